"""What JSON text stands for."""

from typing import Any

Value = Any
"""A JSON value: dict, list, str, int, float, bool or None."""
