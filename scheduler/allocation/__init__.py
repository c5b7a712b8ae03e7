"""The allocator: demand and means in, sessions with people in them out, with a proof and reasons."""
