"""The interpreter's only way out: seven verbs that its host gives it."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class TableAt(NamedTuple):
    """A table in memory: its address, and its length in bytes."""

    address: int
    length: int


class Watcher(Protocol):
    """Who is told of the methods that are called; it has no say."""

    def entered(self, path: str) -> None:
        """A method begins."""
        ...

    def left(self, path: str) -> None:
        """A method ends, however it does."""
        ...


class Host(Protocol):
    """What AML can do to the world."""

    def load(self, address: int, size: int) -> int:
        """Read ``size`` bytes (1, 2, 4 or 8) of SystemMemory."""
        ...

    def store(self, address: int, size: int, value: int) -> None:
        """Write ``size`` bytes (1, 2, 4 or 8) of SystemMemory."""
        ...

    def notify(self, path: str, value: int) -> None:
        r"""Notify the object at the absolute ``path``, such as ``\_SB.CPUS.C002``."""
        ...

    def stall(self, nanoseconds: int) -> None:
        """Let time pass: Stall, Sleep, and what waits for a mutex or an event."""
        ...

    def now(self) -> int:
        """Nanoseconds since some beginning, all stalls included."""
        ...

    def find_table(self, signature: str, oem_id: str, oem_table_id: str) -> TableAt | None:
        """Look for a table in the XSDT (ACPI 6.5 §5.2.8); an empty string matches any."""
        ...

    def debug(self, text: str) -> None:
        """Show what was stored to the Debug object."""
        ...
