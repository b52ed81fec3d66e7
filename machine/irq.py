"""Interrupt lines: one source, at most one sink, and a level.

A line is what QEMU calls a `qemu_irq` and hardware calls a wire. Hot-plug connects the lines of a
CPU, hot-unplug disconnects them (the talk's "unwiring", T15): a cut line carries nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class IrqLine:
    """A wire that remembers its level and hands each change to what it is connected to."""

    __slots__ = ("_sink", "level", "name")

    def __init__(self, name: str, sink: Callable[[bool], None] | None = None) -> None:
        self.name = name
        self.level = False
        self._sink = sink

    @property
    def connected(self) -> bool:
        """Whether anything listens."""
        return self._sink is not None

    def connect(self, sink: Callable[[bool], None]) -> None:
        """Lead the line to `sink`, which sees the present level if it is high."""
        self._sink = sink
        if self.level:
            sink(True)

    def disconnect(self) -> None:
        """Cut the line; what it led to sees it fall."""
        sink, self._sink = self._sink, None
        if sink is not None and self.level:
            sink(False)

    def set(self, level: bool) -> None:  # noqa: FBT001 - a level is a boolean
        """Drive the line; only a change is passed on."""
        if level == self.level:
            return
        self.level = level
        if self._sink is not None:
            self._sink(level)

    def pulse(self) -> None:
        """Raise and lower: what an edge-triggered input latches."""
        self.set(True)
        self.set(False)
