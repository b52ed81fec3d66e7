"""Sockets as character devices: clients come and go, one at a time, as in QEMU.

A second client's connect succeeds, but it waits in the kernel's queue, unheard, until the first
one leaves. One that we connect out to may be tried again when it has gone.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING, Any

from daemon.chardev import names
from daemon.chardev.backend import Backend
from daemon.chardev.connect import connect
from daemon.chardev.errors import ChardevError
from daemon.chardev.listen import Listener, listen
from daemon.chardev.tls import credentials, secure
from daemon.chardev.transport import SocketTransport

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Coroutine

    from daemon.chardev.tls import Tls
    from daemon.config import Address, SocketChardev

log = logging.getLogger(__name__)

RETRY = 1.0
"""Seconds until the next try to accept after a failure, such as too many open files."""


class SocketBackend(Backend):
    """A socket.

    Args:
        config: what was asked for.
        buffer: where all of them receive for the moment.
        tls: knows keys and names; needed where the configuration names any.
        pause: waits for so many seconds.
    """

    qom_type = "chardev-socket"

    def __init__(
        self,
        config: SocketChardev,
        buffer: memoryview,
        *,
        tls: Tls | None = None,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        super().__init__(config.id)
        self.config = config
        self._buffer = buffer
        self._tls = tls
        self._pause = pause
        self._listener: Listener | None = None
        self._task: asyncio.Task[None] | None = None
        self._credentials: ssl.SSLContext | None = None
        self._name = ""

    @property
    def address(self) -> Address:
        """Where it listens or connects to."""
        return self._listener.address if self._listener else self.config.address

    @property
    def filename(self) -> str:
        """What it is connected to, or would be."""
        if self.connected:
            return self._name
        return names.disconnected(self.address, server=self.config.server)

    async def start(self) -> None:
        """Listen, or connect out.

        Raises:
            ChardevError: it cannot be; with `reconnect` it is tried again instead.
        """
        self._credentials = credentials(self.config, self._tls)
        if self.config.server:
            self._listener = await listen(self.config.address)
            self._warn(self._listener)
            self._run(self._serve(self._listener))
        elif self.config.reconnect:
            self._run(self._stay_connected())
        else:
            await self._connect()

    def finish(self) -> None:
        """Let nobody in any more."""
        if self._task is not None:
            self._task.cancel()
        super().finish()

    async def close(self, timeout: float) -> None:  # noqa: ASYNC109 - for the peer alone
        """Finish, and stop listening."""
        self.finish()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        if self._listener is not None:
            self._listener.close()
        await super().close(timeout)

    def _warn(self, listener: Listener) -> None:
        """Say so if anybody may speak to the front end."""
        if self._credentials is None and self.frontend_open and listener.exposed:
            log.warning(
                "warning: %s: whoever reaches this port commands the machine; "
                "give it tls-creds, or a loopback address",
                self.address,
            )

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        self._task = asyncio.create_task(work)
        self._task.add_done_callback(self._tell_failure)

    def _tell_failure(self, task: asyncio.Task[None]) -> None:
        """Say that nobody is let in any more, and why."""
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s: nobody is served any more: %r", self.address, error)

    async def _serve(self, listener: Listener) -> None:
        while True:
            try:
                client = await listener.accept()
            except OSError as error:
                log.warning("%s: cannot accept a client: %s", self.address, error)
                await self._pause(RETRY)
                continue
            try:
                await self._carry(client)
            except OSError as error:
                log.warning("%s: a client is let go: %s", self.address, _reason(error))
            else:
                await self._departure()

    async def _stay_connected(self) -> None:
        told = False
        while True:
            try:
                await self._connect()
                told = False
                await self._departure()
            except ChardevError as error:
                if not told:
                    log.warning("Unable to connect character device %s: %s", self.label, error)
                told = True
            await self._pause(self.config.reconnect)

    async def _connect(self) -> None:
        sock = await connect(self.config.address)
        try:
            await self._carry(sock)
        except (OSError, ValueError) as error:
            reason = _reason(error)
            raise ChardevError(f"Failed to connect to '{self.config.address}': {reason}") from None

    async def _carry(self, sock: socket.socket) -> None:
        """Let a new peer be served, through this socket."""
        peer = self._next_peer()
        try:
            self._name = names.connected(sock, server=self.config.server)
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None and self._credentials is not None:
                await secure(self._credentials, self.config, sock, peer, self._tls)
            else:
                loop = asyncio.get_running_loop()
                SocketTransport(loop, peer, sock, self._buffer).start()
        except (OSError, ValueError):
            sock.close()
            peer.finish()
            raise
        if self.connected:  # and was not sent away at once
            self.opened.set()

    async def _departure(self) -> None:
        if self.peer is not None:
            await self.peer.closed.wait()


def _reason(error: Exception) -> str:
    """Why a peer was not taken; the event loop has no words for one that left meanwhile."""
    return getattr(error, "strerror", None) or str(error) or "it has gone"
