"""Chance that is the same in each run: numbers that follow from a seed and a name.

Each stage draws from a sequence of its own, so that one that is added changes no other's luck.
"""

from __future__ import annotations

from hashlib import blake2b
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def chances(seed: int, name: str) -> Iterator[float]:
    """Numbers from 0 up to, but not including, 1; for the same seed and name the same."""
    for n in count():
        digest = blake2b(f"{seed}/{name}/{n}".encode(), digest_size=8).digest()
        yield (int.from_bytes(digest, "little") >> 11) / (1 << 53)
