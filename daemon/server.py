"""The monitors: sockets on which clients come and go, one at a time for each, as in QEMU.

A second client's connect succeeds, but it waits in the kernel's queue, ungreeted, until the first
one leaves; each client starts anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from daemon.config import FdAddress, SocketChardev, TcpAddress, UnixAddress
from daemon.connection import QmpConnection
from daemon.listen import Listener, ListenError, listen
from protocol.encode import prettify

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Iterator, Sequence

    from daemon.config import Address, Chardev, MonitorConfig

log = logging.getLogger(__name__)

RETRY = 1.0
"""Seconds until the next try to accept after a failure, such as too many open files."""

Connection = QmpConnection[Any]
Connecting = Awaitable[tuple[asyncio.BaseTransport, asyncio.BaseProtocol]]
Connect = Callable[["MonitorConfig"], Connection]
"""Makes the connection, with a fresh session, for a client of this monitor."""


class Monitor:
    """One QMP monitor on its character device."""

    def __init__(self, config: MonitorConfig, device: SocketChardev, connect: Connect) -> None:
        self.config = config
        self.device = device
        self.connection: Connection | None = None
        self.connected = asyncio.Event()
        self._connect = connect
        self._listener: Listener | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def address(self) -> Address:
        """Where it listens or has connected to."""
        return self._listener.address if self._listener else self.device.address

    async def start(self) -> None:
        """Listen, or connect out.

        Raises:
            ListenError: it cannot be; the text is one line.
        """
        address = self.device.address
        if isinstance(address, FdAddress):
            raise ListenError(f"{address}: inherited sockets are not modelled")
        if self.device.server:
            self._listener = await listen(address)
            self._task = asyncio.create_task(self._serve(self._listener.socket))
        else:
            await self._connect_out(address)

    def send_event(self, data: bytes) -> None:
        """Send an event to the client, if there is one that has negotiated."""
        if self.connection is not None:
            self.connection.send_event(prettify(data) if self.config.pretty else data)

    def finish(self) -> None:
        """Let no one in any more, execute nothing more, and close once everything is sent."""
        if self._task is not None:
            self._task.cancel()
        if self.connection is not None:
            self.connection.finish()

    async def close(self, timeout: float) -> None:  # noqa: ASYNC109 - of each on its own
        """Finish; a client that has not taken everything after `timeout` seconds is cut off."""
        self.finish()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        if self._listener is not None:
            self._listener.close()
        if self.connection is not None:
            await _closed(self.connection, timeout)

    async def _serve(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, _ = await loop.sock_accept(listener)
                await self._serve_client(client)
            except OSError as error:
                log.warning("%s: cannot accept a client: %s", self.address, error)
                await asyncio.sleep(RETRY)

    async def _serve_client(self, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        connection = self._connect(self.config)
        await self._use(connection, loop.connect_accepted_socket(lambda: connection, client))
        await connection.closed.wait()

    async def _connect_out(self, address: UnixAddress | TcpAddress) -> None:
        loop = asyncio.get_running_loop()
        connection = self._connect(self.config)
        connecting: Connecting = (
            loop.create_unix_connection(lambda: connection, address.path)
            if isinstance(address, UnixAddress)
            else loop.create_connection(lambda: connection, address.host, address.port)
        )
        try:
            await self._use(connection, connecting)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise ListenError(f"Failed to connect to {address}: {reason}") from None

    async def _use(self, connection: Connection, connecting: Connecting) -> None:
        """Send events there from the first byte on."""
        self.connection = connection
        try:
            # Not to be cancelled half-way: uvloop would lose the transport, and never say so.
            await asyncio.shield(asyncio.ensure_future(connecting))
        except OSError:
            self.connection = None
            raise
        self.connected.set()


class Server:
    """All monitors of a machine.

    Args:
        chardevs: the devices that the monitors are on.
        monitors: their configurations.
        connect: makes the connection for each new client.
    """

    def __init__(
        self,
        chardevs: Iterable[Chardev],
        monitors: Sequence[MonitorConfig],
        connect: Connect,
    ) -> None:
        devices = {device.id: device for device in chardevs if isinstance(device, SocketChardev)}
        self.monitors = tuple(
            Monitor(config, devices[config.chardev], connect) for config in monitors
        )

    async def start(self) -> None:
        """Listen, and connect out.

        Raises:
            ListenError: one of them cannot be; then none is left behind.
        """
        try:
            for monitor in self.monitors:
                await monitor.start()
        except BaseException:
            await self.close()
            raise

    async def wait_for_clients(self) -> None:
        """Wait until each monitor with wait=on has had a client."""
        for monitor in self.monitors:
            if monitor.device.wait:
                log.info("waiting for a client on %s", monitor.address)
                await monitor.connected.wait()

    def broadcast(self, data: bytes) -> None:
        """Send an event, one line, to every client that has negotiated."""
        for monitor in self.monitors:
            monitor.send_event(data)

    def finish(self) -> None:
        """Execute nothing more (`quit`): what was asked later stays unanswered; then `close`."""
        for monitor in self.monitors:
            monitor.finish()

    async def close(self, timeout: float = 2.0) -> None:  # noqa: ASYNC109 - see Monitor.close
        """Stop listening, send what is pending for at most `timeout` seconds, and disconnect."""
        await asyncio.gather(*(monitor.close(timeout) for monitor in self.monitors))

    def connections(self) -> Iterator[Connection]:
        """The clients that there are."""
        for monitor in self.monitors:
            if monitor.connection is not None and not monitor.connection.closed.is_set():
                yield monitor.connection


async def _closed(connection: Connection, timeout: float) -> None:  # noqa: ASYNC109 - see above
    try:
        async with asyncio.timeout(timeout):
            await connection.closed.wait()
    except TimeoutError:
        connection.abort()
        with contextlib.suppress(TimeoutError):  # the event loop may have lost a half-made one
            async with asyncio.timeout(timeout):
                await connection.closed.wait()
