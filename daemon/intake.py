"""What a client has said and nobody has looked at yet, to be taken in pieces.

To decode is work, too: a few KiB of brackets may cost as much as hundreds of requests. So a
connection takes as much at a time as it has time for (see `daemon.connection`).
"""

from __future__ import annotations


class Intake:
    """Bytes, in their order."""

    def __init__(self) -> None:
        self._data = b""
        self._at = 0

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return self._at < len(self._data)

    def put(self, data: bytes) -> None:
        """Add these behind the others."""
        self._data = self._data[self._at :] + data if self else data
        self._at = 0

    def take(self, size: int) -> bytes:
        """Return the first ones, this many at most, and if possible lines that are whole."""
        start, end = self._at, self._at + size
        if end < len(self._data):
            end = self._data.rfind(b"\n", start, end) + 1 or end
        self._at = end
        return self._data[start:end]

    def clear(self) -> None:
        """Keep none."""
        self._data, self._at = b"", 0
