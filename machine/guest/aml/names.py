r"""Names of ACPI objects (ACPI 6.5 §5.3, §20.2.2).

Inside, a NameSeg has its four characters; outside, trailing underscores are trimmed and the
root is a backslash: ``\_SB.CPUS.C002``. Both forms are understood.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from machine.guest.aml.errors import BadEncodingError

LEAD_CHARS: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ_")
MAX_TEXT: Final = 1 << 10
_SEG: Final = re.compile(r"[A-Z_][A-Z0-9_]{0,3}")


class NamePath(NamedTuple):
    """A NameString: from the root, or ``parents`` levels up from the current scope."""

    root: bool
    parents: int
    segs: tuple[str, ...]

    @property
    def searched(self) -> bool:
        """Whether the search rules apply: to a single NameSeg without prefix (§5.3)."""
        return len(self.segs) == 1 and not self.root and not self.parents

    @property
    def above(self) -> NamePath:
        """The path without its last NameSeg."""
        return NamePath(self.root, self.parents, self.segs[:-1])

    def __str__(self) -> str:
        prefix = "\\" if self.root else "^" * self.parents
        return prefix + ".".join(trim(seg) for seg in self.segs)


@lru_cache(maxsize=1024)
def single(seg: bytes) -> NamePath:
    """A path of one NameSeg; kept, for tables name the same few things in every device."""
    return NamePath(False, 0, (seg.decode("ascii"),))


def trim(seg: str) -> str:
    """A NameSeg without the underscores that pad it; ``____`` keeps one."""
    return seg.rstrip("_") or "_"


@lru_cache(maxsize=256)
def parse(text: str) -> NamePath:
    """Read a path as it is written for people; kept, for what is asked for is then evaluated.

    Raises:
        BadEncodingError: it is no path.
    """
    if len(text) > MAX_TEXT:
        raise BadEncodingError(f"a path of {len(text)} characters")
    tail = text.lstrip("\\^")
    prefix = text[: len(text) - len(tail)]
    if "\\" in prefix[1:] or prefix.startswith("\\^"):
        raise BadEncodingError(f"{text!r} is no path: one root, or parents, come first")
    segs = tuple([_padded(seg) for seg in tail.split(".")]) if tail else ()
    if not all(segs):
        wrong = tail.split(".")[segs.index("")]
        raise BadEncodingError(f"{text!r} is no path: {wrong!r} is no NameSeg")
    return NamePath(prefix.startswith("\\"), prefix.count("^"), segs)


@lru_cache(maxsize=1024)
def _padded(seg: str) -> str:
    """A NameSeg with its four characters; empty for what is none."""
    return seg.ljust(4, "_") if _SEG.fullmatch(seg) else ""
