"""What all character devices are: a label, at most one front end, at most one peer at a time."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from daemon.chardev.errors import ChardevError
from daemon.chardev.transport import Receiver

if TYPE_CHECKING:
    from collections.abc import Callable


class Peer(Receiver):
    """What serves one peer: made when it comes, useless when it has gone.

    Attributes:
        closed: set once the connection is lost, or was finished before it was made.
    """

    def __init__(self) -> None:
        self.closed = asyncio.Event()

    @abstractmethod
    def finish(self) -> None:
        """Take nothing more, and close once everything is sent."""

    @abstractmethod
    def abort(self) -> None:
        """Close now."""


class Unheard(Peer):
    """Serves the peers of a device that has no front end: whatever they say is lost."""

    def __init__(self) -> None:
        super().__init__()
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember it, to close it."""
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer has gone."""
        del exc
        self._transport = None
        self.closed.set()

    def finish(self) -> None:
        """Close."""
        if self._transport is None:
            self.closed.set()
        else:
            self._transport.close()

    abort = finish


class Backend(ABC):
    """A character device.

    Args:
        label: its name among them.

    Attributes:
        qom_type: what it is in the object tree.
        opened: set once a peer has been there.
        peer: what serves the present peer, or served the last one.
    """

    qom_type: ClassVar[str]

    def __init__(self, label: str) -> None:
        self.label = label
        self.opened = asyncio.Event()
        self.peer: Peer | None = None
        self._front_end: Callable[[], Peer] | None = None

    @property
    @abstractmethod
    def filename(self) -> str:
        """What it is connected to, in QEMU's notation (`query-chardev`)."""

    @property
    def frontend_open(self) -> bool:
        """Whether somebody listens to what its peers say."""
        return self._front_end is not None

    @property
    def connected(self) -> bool:
        """Whether there is a peer."""
        return self.peer is not None and not self.peer.closed.is_set()

    def attach(self, front_end: Callable[[], Peer]) -> None:
        """Let this serve the peers: it is called anew for each.

        Raises:
            ChardevError: somebody else does already.
        """
        if self._front_end is not None:
            raise ChardevError(f"Device '{self.label}' is in use")
        self._front_end = front_end

    @abstractmethod
    async def start(self) -> None:
        """Open it.

        Raises:
            ChardevError: it can't be.
        """

    def finish(self) -> None:
        """Let nobody in any more; the peer gets what is to be sent, and is then let go."""
        if self.peer is not None:
            self.peer.finish()

    async def close(self, timeout: float) -> None:  # noqa: ASYNC109 - for the peer alone
        """Finish; a peer that has not taken everything after `timeout` seconds is cut off."""
        self.finish()
        if self.peer is not None:
            await _closed(self.peer, timeout)

    def _next_peer(self) -> Peer:
        """What serves the peer that comes now; events go there from the first byte on."""
        self.peer = self._front_end() if self._front_end is not None else Unheard()
        return self.peer


class NullBackend(Backend):
    """Nobody is there."""

    qom_type = "chardev-null"
    filename = "null"

    async def start(self) -> None:
        """Nothing is to be opened."""


async def _closed(peer: Peer, timeout: float) -> None:  # noqa: ASYNC109 - see `Backend.close`
    try:
        async with asyncio.timeout(timeout):
            await peer.closed.wait()
    except TimeoutError:
        peer.abort()
        with contextlib.suppress(TimeoutError):  # the event loop may have lost a half-made one
            async with asyncio.timeout(timeout):
                await peer.closed.wait()
