"""What those who run a node ask of it: does it live, may it be sent work, how far behind is it."""
