"""The channels by which a message leaves the house; they know nothing of tables."""
