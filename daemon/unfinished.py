"""A request whose execution takes more than one turn of the event loop.

Its handler is a generator, which comes back whenever others are to have their turn. It stays first
among its connection's requests until it is done: those behind it wait, but for out-of-band ones,
and other connections are served meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator


class Unfinished:
    """One of them.

    Args:
        work: goes on where it came back, and gives the reply.
    """

    __slots__ = ("_work",)

    oob = False
    """It is overtaken, and does not overtake."""

    def __init__(self, work: Generator[None, None, bytes]) -> None:
        self._work = work

    def proceed(self) -> bytes | Unfinished:
        """Do some more of it; gives the reply once there is one, and itself before."""
        try:
            next(self._work)
        except StopIteration as end:
            return bytes(end.value)
        return self

    def close(self) -> None:
        """Leave it where it is: nobody waits for the reply."""
        self._work.close()
