"""The command line: what each option says, how it is written, and what all of it means."""
