"""The kernel's log, and how it gets to the console (Linux: kernel/printk/).

Whoever has something to say only adds it; what is new is printed when a CPU has nothing else to do,
as Linux's printing threads do it, or at once where there will be no such moment any more. So a slow
console delays nobody.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from machine.guest.platform import Platform

LOG_LINES = 1000
"""What is kept of what no console has printed yet; then the oldest goes."""


class Console(Protocol):
    """What prints."""

    def write(self, platform: Platform, text: str) -> None:
        """Print, from a CPU."""


class Log:
    """Lines with their times, until they are printed."""

    def __init__(self) -> None:
        self._console: Console | None = None
        self._lines: deque[str] = deque(maxlen=LOG_LINES)

    def append(self, nanoseconds: int, text: str) -> None:
        """Add a line that was said at a time since boot."""
        self._lines.append(f"[{nanoseconds // 1000 / 1e6:12.6f}] {text}\n")

    def register_console(self, console: Console) -> None:
        """Print from now on, and first what has been said so far."""
        self._console = console

    def flush(self, platform: Platform) -> None:
        """Print what is new."""
        if self._console is None or not self._lines:
            return
        text = "".join(self._lines)
        self._lines.clear()
        self._console.write(platform, text)
