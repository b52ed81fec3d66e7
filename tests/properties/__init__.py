"""What holds for any sequence of commands, on any topology."""
