"""A cursor over AML bytes: constants, PkgLength and NameString (ACPI 6.5 §20.2).

``end`` is the end of the innermost package, so no term can read past the term that holds it.
"""

from __future__ import annotations

import re
from typing import Final

from machine.guest.aml.errors import BadEncodingError
from machine.guest.aml.names import LEAD_CHARS, NamePath, single

ROOT_CHAR: Final = 0x5C
PARENT_PREFIX: Final = 0x5E
DUAL_NAME: Final = 0x2E
MULTI_NAME: Final = 0x2F
NAME_STARTS: Final = LEAD_CHARS | {ROOT_CHAR, PARENT_PREFIX, DUAL_NAME, MULTI_NAME}

_NAME_SEG: Final = re.compile(rb"[A-Z_][A-Z0-9_]{3}")


class Stream:
    """A cursor between ``pos`` and ``end`` of ``data``."""

    __slots__ = ("data", "end", "pos")

    def __init__(self, data: bytes, pos: int, end: int) -> None:
        self.data = data
        self.pos = pos
        self.end = end

    def peek(self) -> int:
        """The next byte, not consumed; -1 at the end."""
        return self.data[self.pos] if self.pos < self.end else -1

    def number(self, size: int) -> int:
        """ByteData, WordData, DWordData or QWordData."""
        return int.from_bytes(self.take(size), "little")

    def byte(self) -> int:
        """ByteData."""
        pos = self.pos
        if pos >= self.end:
            raise self.truncated()
        self.pos = pos + 1
        return self.data[pos]

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        start = self.pos
        stop = start + size
        if stop > self.end:
            raise self.truncated()
        self.pos = stop
        return self.data[start:stop]

    def rest(self) -> bytes:
        """All bytes up to the end of the package."""
        return self.take(self.end - self.pos)

    def string(self) -> str:
        """The characters of a String, up to its NUL; bytes beyond ASCII are kept as Latin-1."""
        stop = self.data.find(0, self.pos, self.end)
        if stop < 0:
            raise self.truncated()
        return self.take(stop + 1 - self.pos)[:-1].decode("latin-1")

    def pkg_value(self) -> int:
        """The number that a PkgLength encodes (§20.2.4)."""
        lead = self.byte()
        extra = lead >> 6
        if not extra:
            return lead & 0x3F
        return lead & 0x0F | self.number(extra) << 4

    def pkg_end(self) -> int:
        """The position at which the package ends whose PkgLength comes next."""
        start = self.pos
        end = start + self.pkg_value()
        if end > self.end or end < self.pos:
            self.pos = start
            raise BadEncodingError(
                f"PkgLength at {start:#x} reaches to {end:#x}, past {self.end:#x}"
            )
        return end

    def name_string(self) -> NamePath:
        """A NameString (§20.2.2)."""
        plain = _NAME_SEG.match(self.data, self.pos, self.end)
        if plain:
            self.pos += 4
            return single(plain[0])
        lead = self.peek()
        if lead == ROOT_CHAR:
            self.pos += 1
            return NamePath(True, 0, self._name_path())
        parents = 0
        while self.peek() == PARENT_PREFIX:
            self.pos += 1
            parents += 1
        return NamePath(False, parents, self._name_path())

    def _name_path(self) -> tuple[str, ...]:
        lead = self.peek()
        if lead == 0:
            self.pos += 1
            return ()
        if lead == DUAL_NAME:
            self.pos += 1
            return (self.name_seg(), self.name_seg())
        if lead == MULTI_NAME:
            self.pos += 1
            return tuple([self.name_seg() for _ in range(self.byte())])
        return (self.name_seg(),)

    def name_seg(self) -> str:
        """A NameSeg: four characters."""
        seg = _NAME_SEG.match(self.data, self.pos, self.end)
        if not seg:
            raise BadEncodingError(f"there is no NameSeg at {self.pos:#x}")
        self.pos += 4
        return seg[0].decode("ascii")

    def truncated(self) -> BadEncodingError:
        """The error of a term that ends too early."""
        return BadEncodingError(f"the term at {self.pos:#x} goes on past its end {self.end:#x}")
