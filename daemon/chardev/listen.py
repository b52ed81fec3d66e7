"""Listening sockets: unix socket files that are ours alone, TCP ports, inherited ones.

A socket file is made with mode 0600 from its first instant on. A file that nobody listens on any
more is replaced; one that is alive, or is no socket, is left alone and is an error. A host that has
several addresses is listened for on all of them, with one port number.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import stat
from typing import TYPE_CHECKING, Any

from daemon.chardev.address import inherited, resolve
from daemon.chardev.errors import ChardevError
from daemon.config import FdAddress, TcpAddress, UnixAddress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from daemon.config import Address

BACKLOG = 16
"""Clients that may wait for the one before them; more are refused or wait in connect()."""

UNIX_PATH_MAX = 108
"""Size of sun_path, its final zero included (unix(7))."""


class Listener:
    """Listening sockets of one device, and the file that is to go with them."""

    def __init__(self, sockets: Sequence[socket.socket], path: str | None = None) -> None:
        self._sockets = sockets
        self._path = path
        self._identity = _identity(path) if path is not None else None

    @property
    def address(self) -> Address:
        """Where it listens in the end: port 0 has become a real one."""
        name = self._sockets[0].getsockname()
        if isinstance(name, tuple):
            return TcpAddress(host=name[0], port=name[1])
        path = self._path or (name if isinstance(name, str) else "")
        return UnixAddress(path=path) if path else FdAddress(fd=self._sockets[0].fileno())

    @property
    def exposed(self) -> bool:
        """Whether others than this host can reach it."""
        names = [listener.getsockname() for listener in self._sockets]
        return any(isinstance(name, tuple) and not _is_loopback(name[0]) for name in names)

    async def accept(self) -> socket.socket:
        """Return the next client's connection, which does not block.

        Raises:
            OSError: it can't be had, for want of file descriptors for example.
        """
        while True:
            for listener in self._sockets:
                with contextlib.suppress(BlockingIOError):
                    client, _ = listener.accept()
                    client.setblocking(False)
                    return client
            await self._somebody()

    async def _somebody(self) -> None:
        """Wait until somebody knocks."""
        loop = asyncio.get_running_loop()
        knocking = asyncio.Event()
        for listener in self._sockets:
            loop.add_reader(listener.fileno(), knocking.set)
        try:
            await knocking.wait()
        finally:
            for listener in self._sockets:
                loop.remove_reader(listener.fileno())

    def close(self) -> None:
        """Stop listening; remove the file unless someone else's stands there by now."""
        for listener in self._sockets:
            listener.close()
        if self._path is not None and _identity(self._path) == self._identity:
            with contextlib.suppress(OSError):
                os.unlink(self._path)  # noqa: PTH108 - a path as the user wrote it


async def listen(address: Address) -> Listener:
    """Listen there.

    Raises:
        ChardevError: it cannot be.
    """
    if isinstance(address, UnixAddress):
        return _listen_unix(address.path)
    if isinstance(address, FdAddress):
        return _listen_inherited(address)
    return await _listen_tcp(address)


def _listen_inherited(address: FdAddress) -> Listener:
    sock = inherited(address)
    try:
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise ChardevError(f"Failed to listen on fd socket: {error.strerror}") from None
    return Listener([sock])


def _listen_unix(path: str) -> Listener:
    if len(os.fsencode(path)) >= UNIX_PATH_MAX:
        raise ChardevError(f"UNIX socket path '{path}' is too long")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        _bind_unix(sock, path)
        listener = Listener([sock], path)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise ChardevError(f"Failed to bind socket to {path}: {error.strerror}") from None
    except ChardevError:
        sock.close()
        raise
    return listener


def _bind_unix(sock: socket.socket, path: str) -> None:
    with _umask(0o177):
        try:
            sock.bind(path)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            _remove_stale(path)
            sock.bind(path)


def _remove_stale(path: str) -> None:
    if not stat.S_ISSOCK(os.lstat(path).st_mode):
        raise ChardevError(f"Failed to bind socket to {path}: the file there is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)  # noqa: PTH108 - as above
            return
        except BlockingIOError:
            pass  # alive, and its backlog is full
    raise ChardevError(f"Failed to bind socket to {path}: Address already in use")


async def _listen_tcp(address: TcpAddress) -> Listener:
    sockets: list[socket.socket] = []
    found = await resolve(address, passive=True)
    port = address.port
    try:
        for family, where in found:
            dual = len(found) == 1 and address.family == "any"
            sock = _bound(family, (where[0], port, *where[2:]), dual=dual)
            sockets.append(sock)
            port = sock.getsockname()[1]
    except OSError as error:
        for sock in sockets:
            sock.close()
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ChardevError(f"Failed to bind socket to {address}: {reason}") from None
    return Listener(sockets)


def _bound(family: int, where: tuple[Any, ...], *, dual: bool) -> socket.socket:
    """A listening socket; for IPv6 with `dual` it takes IPv4 as well, where it is alone."""
    sock = socket.create_server(
        where,
        family=family,
        backlog=BACKLOG,
        dualstack_ipv6=dual and family == socket.AF_INET6 and socket.has_dualstack_ipv6(),
    )
    sock.setblocking(False)
    return sock


def _is_loopback(host: str) -> bool:
    return host == "::1" or host.removeprefix("::ffff:").startswith("127.")


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextlib.contextmanager
def _umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)
