"""The limits of what firmware may take: steps of an evaluation, and sizes of objects.

No honest firmware comes near any of them. A step is a statement, an operator, a call, an access or
a turn of a loop; what handles many bytes or elements costs a step for each few of them. So the
steps of an evaluation bound its time as well as the memory that it takes.
"""

from __future__ import annotations

from typing import Final

from machine.guest.aml.errors import LimitExceededError

STEPS: Final = 1_000_000
"""What an evaluation, or the loading of a table, may take."""
MAX_BYTES: Final = 1 << 20
"""Of a Buffer."""
MAX_CHARS: Final = 1 << 16
"""Of a String."""
MAX_ELEMENTS: Final = 1 << 16
"""Of a Package, those of the packages in it included; of a FieldList."""
MAX_FIELD_BITS: Final = 1 << 17
MAX_TABLE: Final = 1 << 22
"""Bytes of a table."""
MAX_NODES: Final = 1 << 18
"""Names of a namespace."""
MAX_LEVELS: Final = 64
"""Names of a path."""
MAX_STATEMENTS: Final = 1 << 18
"""That are kept decoded."""

_BYTES_PER_STEP: Final = 16


class Budget:
    """The steps that are left to the evaluation that runs."""

    __slots__ = ("left", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.left = limit

    def spend(self, steps: int) -> None:
        """Take some steps.

        Raises:
            LimitExceededError: there are not that many left.
        """
        self.left -= steps
        if self.left < 0:
            raise LimitExceededError(f"more than {self.limit} steps")


def steps_of(size: int) -> int:
    """What it costs to handle so many bytes."""
    return size // _BYTES_PER_STEP


def check_bytes(size: int) -> int:
    """Refuse buffers that no honest firmware needs.

    Raises:
        LimitExceededError: it is one.
    """
    return _checked(size, MAX_BYTES, "a buffer of {:#x} bytes")


def check_chars(size: int) -> int:
    """Refuse strings that no honest firmware needs.

    Raises:
        LimitExceededError: it is one.
    """
    return _checked(size, MAX_CHARS, "a string of {:#x} characters")


def check_elements(count: int) -> int:
    """Refuse packages that no honest firmware needs.

    Raises:
        LimitExceededError: it is one.
    """
    return _checked(count, MAX_ELEMENTS, "a list of {:#x} elements")


def _checked(size: int, most: int, what: str) -> int:
    if size > most:
        raise LimitExceededError(what.format(size))
    return size
