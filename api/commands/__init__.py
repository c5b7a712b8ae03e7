"""What the `doorstep` command does, a file a command."""
