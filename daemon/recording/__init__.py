"""Recordings of a run: what is written, and how it is run again."""
