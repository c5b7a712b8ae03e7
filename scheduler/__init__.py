"""What is decided, and when."""
