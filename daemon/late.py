"""Replies that are late, and the ends of connections that are to come: see `daemon.mishaps`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Late:
    """What a client is made to wait for.

    Attributes:
        reply: what it is sent then.
        drops: whether the connection ends then.
        blocks: whether what was asked behind it waits, too.
    """

    reply: bytes
    drops: bool
    blocks: bool


class Lateness(list[Late]):
    """All that the client of one connection waits for; hardly ever anything."""

    @property
    def blocks(self) -> bool:
        """Whether what is in band waits for any of it."""
        return any(late.blocks for late in self)

    def take(self) -> bytes:
        """Wait for nothing any more; returns the replies, in the order of their requests."""
        replies = b"".join(late.reply for late in self)
        self.clear()
        return replies
