"""Recorded conversations with the reference, replayed."""
