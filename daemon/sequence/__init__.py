"""Sequence diagrams of what a machine did, drawn from its own trace points."""
