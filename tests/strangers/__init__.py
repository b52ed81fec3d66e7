"""Clients that other people wrote, or write in their manner, unchanged, against a real process."""
