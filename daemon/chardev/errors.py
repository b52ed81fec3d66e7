"""What can go wrong with a character device."""

from __future__ import annotations


class ChardevError(Exception):
    """It can't be had as asked; the text is one line, for the operator, in QEMU's words."""
