"""The lines that were given to a terminal, for its arrow keys and `info history`."""

from __future__ import annotations

MOST = 64
"""Lines that are kept: QEMU's number."""


class History:
    """Lines, the oldest first, each of them once; it outlives the clients of its monitor."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self._at: int | None = None

    def add(self, line: bytes) -> None:
        """Keep a line that was entered; an empty one is as if nothing had been.

        So is, in QEMU and here, the last one of as many as there can be, if it was shown.
        """
        if not line or (self._at == MOST - 1 and line == self.lines[self._at]):
            return
        self._at = None
        if line in self.lines:
            self.lines.remove(line)
        self.lines.append(line)
        del self.lines[:-MOST]

    def older(self) -> bytes | None:
        """The line before the one that is shown; None where there is none."""
        at = len(self.lines) if self._at is None else self._at
        if not at:
            return None
        self._at = at - 1
        return self.lines[self._at]

    def newer(self) -> bytes | None:
        """The line behind the one that is shown, empty behind the last; None if none is shown."""
        if self._at is None:
            return None
        if self._at + 1 < len(self.lines):
            self._at += 1
            return self.lines[self._at]
        self._at = None
        return b""
