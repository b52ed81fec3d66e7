"""File descriptors that clients hand over: those that have just come, and those that were named.

What is in one of these is open, and its own; what leaves it is closed, or somebody else's.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from protocol.errors import QmpError

if TYPE_CHECKING:
    from collections.abc import Iterable


RESERVE = 64
"""Descriptors that the process keeps for itself: for other clients, files, and credentials."""


def close_all(fds: Iterable[int]) -> None:
    """Close them."""
    for fd in fds:
        os.close(fd)


class PassedFds(tuple[int, ...]):
    """Some that came with bytes, in the order of the requests that these hold."""

    __slots__ = ()


class FdInbox:
    """Those that came last, until a command takes them; the next ones take their place."""

    def __init__(self) -> None:
        self._fds: tuple[int, ...] = ()

    def put(self, fds: tuple[int, ...]) -> None:
        """Keep these instead, or none where hardly any are left for others."""
        self.close()
        if _are_scarce(fds):
            close_all(fds)
        else:
            self._fds = fds

    def take(self) -> int:
        """Give the first one away, and close the others.

        Raises:
            QmpError: there is none.
        """
        if not self._fds:
            raise QmpError("No file descriptor supplied via SCM_RIGHTS")
        first, *others = self._fds
        self._fds = ()
        close_all(others)
        return first

    def close(self) -> None:
        """Keep none."""
        fds, self._fds = self._fds, ()
        close_all(fds)


def _are_scarce(fds: tuple[int, ...]) -> bool:
    """Tell whether we come near the end: the kernel gives the lowest number that is free."""
    return 0 < os.sysconf("SC_OPEN_MAX") <= max(fds, default=0) + RESERVE


class NamedFds:
    """A monitor's, by name (`getfd`)."""

    def __init__(self) -> None:
        self._fds: dict[str, int] = {}

    def add(self, name: str, fd: int) -> None:
        """Own one; an older one of that name is closed.

        Raises:
            QmpError: not a name; the descriptor is closed.
        """
        if name[:1].isascii() and name[:1].isdigit():
            os.close(fd)
            raise QmpError("Parameter 'fdname' expects a name not starting with a digit")
        close_all([self._fds.pop(name)] if name in self._fds else [])
        self._fds[name] = fd

    def take(self, name: str) -> int:
        """Give one away.

        Raises:
            QmpError: there is none of that name.
        """
        if name not in self._fds:
            raise QmpError(f"File descriptor named '{name}' not found")
        return self._fds.pop(name)

    def close(self) -> None:
        """Keep none."""
        fds, self._fds = self._fds, {}
        close_all(fds.values())


@dataclass(frozen=True, slots=True)
class FdsetMember:
    """One of a set, with what its owner wants to be reminded of."""

    fd: int
    opaque: str | None


class FdSets:
    """Sets of them, by number, for all monitors of a machine (`add-fd`)."""

    def __init__(self) -> None:
        self._sets: dict[int, list[FdsetMember]] = {}

    def add(self, fd: int, number: int | None, opaque: str | None) -> int:
        """Own one; returns its set, which is a new one unless it is named.

        Raises:
            QmpError: no set can have that number; the descriptor is closed.
        """
        if number is not None and number < 0:
            os.close(fd)
            raise QmpError("Parameter 'fdset-id' expects a non-negative value")
        chosen = self._unused() if number is None else number
        self._sets.setdefault(chosen, []).append(FdsetMember(fd, opaque))
        return chosen

    def remove(self, number: int, fd: int | None) -> None:
        """Close one of a set, or all of it; an empty set is none.

        Raises:
            QmpError: there is no such set, or it has no such member.
        """
        members = self._sets.get(number, [])
        gone = [member for member in members if fd in (None, member.fd)]
        if not gone:
            which = f"fdset-id:{number}" if fd is None else f"fdset-id:{number}, fd:{fd}"
            raise QmpError(f"File descriptor named '{which}' not found")
        left = [member for member in members if member not in gone]
        if left:
            self._sets[number] = left
        else:
            del self._sets[number]
        close_all(member.fd for member in gone)

    def items(self) -> list[tuple[int, list[FdsetMember]]]:
        """All sets, the highest number first, each with its members, the oldest first."""
        return sorted(self._sets.items(), reverse=True)

    def close(self) -> None:
        """Keep none."""
        for number in list(self._sets):
            self.remove(number, None)

    def _unused(self) -> int:
        return next(number for number in range(len(self._sets) + 1) if number not in self._sets)
