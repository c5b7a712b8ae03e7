"""What is remembered; no behaviour beyond what one row can answer about itself."""
