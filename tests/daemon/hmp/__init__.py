"""The human monitor: grammar, texts, line editing, and what it does to the machine."""
