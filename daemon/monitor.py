"""A monitor: the front end of a character device, and what outlives each of its clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daemon.config import MonitorConfig
from daemon.fds import FdInbox, NamedFds
from protocol.encode import prettify

if TYPE_CHECKING:
    from collections.abc import Callable

    from daemon.connection import Connection
    from daemon.hmp.history import History


class Monitor:
    """One monitor.

    Args:
        config: what was asked for.
        connect: makes the connection, with a fresh session, for a client of this monitor.

    Attributes:
        inbox: file descriptors that came with the request at work, or before it.
        fds: those that its clients have given names; they stay when a client leaves.
        history: what was typed at it, if it is for people.
        connection: the present client's, or the last one's.
    """

    def __init__(
        self,
        config: MonitorConfig,
        connect: Callable[[Monitor], Connection[Any]],
    ) -> None:
        self.config = config
        self.inbox = FdInbox()
        self.fds = NamedFds()
        self.history: History | None = None
        self.connection: Connection[Any] | None = None
        self._connect = connect

    def open(self) -> Connection[Any]:
        """Make what serves the client that comes now."""
        self.connection = self._connect(self)
        return self.connection

    def send_event(self, data: bytes) -> None:
        """Send an event to the client, if there is one that has negotiated."""
        if self.connection is not None:
            self.connection.send_event(prettify(data) if self.config.pretty else data)

    def close(self) -> None:
        """Keep no file descriptors."""
        self.inbox.close()
        self.fds.close()


def detached() -> Monitor:
    """Return a monitor on no device, for what is executed on nobody's behalf, as in tests."""

    def refuse(_monitor: Monitor) -> Connection[Any]:
        raise RuntimeError("a monitor on no device has no clients")

    return Monitor(MonitorConfig(chardev=""), refuse)
