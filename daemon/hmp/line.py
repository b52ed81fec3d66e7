"""A line of bytes with a cursor in it, and what an editor does to it."""

from __future__ import annotations

from daemon.hmp.scan import SPACE

MOST_BYTES = 4095
"""Of a line, as in QEMU; more is not taken."""

_SPACES = SPACE.encode()


class Line:
    """A line under construction."""

    def __init__(self) -> None:
        self.text = bytearray()
        self.cursor = 0

    def insert(self, data: bytes) -> None:
        """Put bytes before the cursor, as many as there is room for."""
        data = data[: MOST_BYTES - len(self.text)]
        self.text[self.cursor : self.cursor] = data
        self.cursor += len(data)

    def replace(self, text: bytes) -> None:
        """Begin anew with another text, the cursor behind it."""
        self.text[:] = text
        self.end()

    def home(self) -> None:
        """Go to the beginning."""
        self.cursor = 0

    def end(self) -> None:
        """Go to the end."""
        self.cursor = len(self.text)

    def left(self) -> None:
        """Go back by one."""
        self.cursor = max(self.cursor - 1, 0)

    def right(self) -> None:
        """Go on by one."""
        self.cursor = min(self.cursor + 1, len(self.text))

    def delete(self) -> None:
        """Remove what the cursor is on."""
        del self.text[self.cursor : self.cursor + 1]

    def backspace(self) -> None:
        """Remove what is before the cursor."""
        self._cut(max(self.cursor - 1, 0))

    def kill_line(self) -> None:
        """Remove all that is before the cursor."""
        self._cut(0)

    def kill_word(self) -> None:
        """Remove the word before the cursor, and a single space that the line begins with."""
        start = max(self.cursor - 1, 0)
        for in_space in (True, False):
            while start and (self.text[start] in _SPACES) is in_space:
                start -= 1
        self._cut(start + 1 if start else 0)

    def _cut(self, start: int) -> None:
        del self.text[start : self.cursor]
        self.cursor = start
