"""A command line of the human monitor, read from left to right (QEMU: monitor/hmp)."""

from __future__ import annotations

SPACE = " \t\n\v\f\r"
"""What C's isspace() takes for space."""

_ESCAPES = {"n": "\n", "r": "\r", "\\": "\\", "'": "'", '"': '"'}


class HmpError(Exception):
    """A line that can't be understood: the text is printed, and where help is to be had."""


class UntoldError(HmpError):
    """Likewise, but for a text that QEMU writes to its stderr: it goes to the log."""


class Scanner:
    """A text, and how far it has been read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def peek(self) -> str:
        """The next character; "" at the end."""
        return self.text[self.at : self.at + 1]

    def skip_space(self) -> Scanner:
        """Go on to what is no space."""
        while self.peek() and self.peek() in SPACE:
            self.at += 1
        return self

    def step(self) -> None:
        """Go behind a sign and the space that follows it."""
        self.at += 1
        self.skip_space()

    def ended(self) -> bool:
        """Whether nothing but space is left."""
        return not self.skip_space().peek()

    def until(self, stops: str) -> str:
        """Take what comes before any of the characters, or before the end."""
        start = self.at
        while self.peek() and self.peek() not in stops:
            self.at += 1
        return self.text[start : self.at]

    def rest(self) -> str:
        """Take all that is left."""
        start, self.at = self.at, len(self.text)
        return self.text[start:]

    def string(self) -> str | None:
        """Take a word, or what stands in double quotes; None where there is neither."""
        if self.ended():
            return None
        return self._quoted() if self.peek() == '"' else self.until(SPACE)

    def _quoted(self) -> str | None:
        self.at += 1
        found: list[str] = []
        while True:
            found.append(self.until('"\\'))
            sign = self.peek()
            self.at += 1
            if sign != "\\":
                break
            if self.peek() not in _ESCAPES:
                return None
            found.append(_ESCAPES[self.peek()])
            self.at += 1
        return "".join(found) if sign else None


def words(text: str) -> list[str] | None:
    """Cut a line into words; None where a quoted one has no end."""
    scan, found = Scanner(text), []
    while not scan.ended():
        word = scan.string()
        if word is None:
            return None
        found.append(word)
    return found
