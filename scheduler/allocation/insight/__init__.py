"""What a plan's owner asks: what it costs and why, what is scarce, what if, and where else."""
