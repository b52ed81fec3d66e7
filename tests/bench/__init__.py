"""What it costs on this machine: `make bench`. These are no tests: nothing passes or fails."""
