"""The kernel's log, and how it gets to the console (Linux: kernel/printk/).

Whoever has something to say only adds it; what is new is printed when a CPU has nothing else to do,
as Linux's printing threads do it, or at once where there will be no such moment any more. So a slow
console delays nobody. What programs write to the console goes the same way, in its turn.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from machine.guest.platform import Platform

LOG_LINES = 1000
"""How many are kept; then the oldest goes, printed or not."""


class Console(Protocol):
    """What prints."""

    def write(self, platform: Platform, text: bytes) -> None:
        """Print, from a CPU."""


class Log:
    """Lines with their times, and what is to be printed.

    Attributes:
        lines: the last ones, each with its end.
    """

    def __init__(self) -> None:
        self._console: Console | None = None
        self.lines: deque[str] = deque(maxlen=LOG_LINES)
        self._unprinted: deque[bytes] = deque(maxlen=LOG_LINES)

    def append(self, nanoseconds: int, text: str) -> None:
        """Add a line that was said at a time since boot."""
        line = f"[{nanoseconds // 1000 / 1e6:12.6f}] {text}\n"
        self.lines.append(line)
        self.write(line)

    def write(self, text: str) -> None:
        """Print a text that is not the kernel's."""
        self.write_bytes(text.encode(errors="replace"))

    def write_bytes(self, data: bytes) -> None:
        """Likewise."""
        self._unprinted.append(data)

    def register_console(self, console: Console) -> None:
        """Print from now on, and first what has been said so far."""
        self._console = console

    def flush(self, platform: Platform) -> None:
        """Print what is new."""
        if self._console is None or not self._unprinted:
            return
        data = b"".join(self._unprinted)
        self._unprinted.clear()
        self._console.write(platform, data)
