r"""Names of ACPI objects (ACPI 6.5 §5.3, §20.2.2).

Inside, a NameSeg has its four characters; outside, trailing underscores are trimmed and the
root is a backslash: ``\_SB.CPUS.C002``. Both forms are understood.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from machine.guest.aml.errors import BadEncodingError

LEAD_CHARS: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ_")
NAME_CHARS: Final = LEAD_CHARS | frozenset(b"0123456789")


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


def trim(seg: str) -> str:
    """A NameSeg without the underscores that pad it; ``____`` keeps one."""
    return seg.rstrip("_") or "_"


def parse(text: str) -> NamePath:
    """Read a path as it is written for people.

    Raises:
        BadEncodingError: it is no path.
    """
    tail = text.lstrip("\\^")
    prefix = text[: len(text) - len(tail)]
    if "\\" in prefix[1:] or prefix.startswith("\\^"):
        raise BadEncodingError(f"{text!r} is no path: one root, or parents, come first")
    segs = tuple(_parse_seg(seg, text) for seg in tail.split(".")) if tail else ()
    return NamePath(prefix.startswith("\\"), prefix.count("^"), segs)


def _parse_seg(seg: str, text: str) -> str:
    raw = seg.encode("utf-8", "replace")
    if not 1 <= len(raw) <= 4 or raw[0] not in LEAD_CHARS or not NAME_CHARS.issuperset(raw):
        raise BadEncodingError(f"{text!r} is no path: {seg!r} is no NameSeg")
    return seg.ljust(4, "_")
