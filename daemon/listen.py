"""Listening sockets: unix socket files that are ours alone, and TCP ports.

A socket file is made with mode 0600 from its first instant on. A file that nobody listens on any
more is replaced; one that is alive, or is no socket, is left alone and is an error.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import stat
from typing import TYPE_CHECKING

from daemon.config import TcpAddress, UnixAddress

if TYPE_CHECKING:
    from collections.abc import Iterator

BACKLOG = 16
"""Clients that may wait for the one before them; more are refused or wait in connect()."""

UNIX_PATH_MAX = 108
"""Size of sun_path, its final zero included (unix(7))."""


class ListenError(Exception):
    """No socket can be had there; the text is one line, for the operator."""


class Listener:
    """A listening socket, and the file that is to go with it."""

    def __init__(self, sock: socket.socket, path: str | None = None) -> None:
        self.socket = sock
        self._path = path
        self._identity = _identity(path) if path is not None else None

    @property
    def address(self) -> TcpAddress | UnixAddress:
        """Where it listens in the end: port 0 has become a real one."""
        if self._path is not None:
            return UnixAddress(path=self._path)
        host, port = self.socket.getsockname()[:2]
        return TcpAddress(host=host, port=port)

    def close(self) -> None:
        """Stop listening; remove the file unless someone else's stands there by now."""
        self.socket.close()
        if self._path is not None and _identity(self._path) == self._identity:
            with contextlib.suppress(OSError):
                os.unlink(self._path)  # noqa: PTH108 - a path as the user wrote it


async def listen(address: UnixAddress | TcpAddress) -> Listener:
    """Listen there.

    Raises:
        ListenError: it cannot be.
    """
    if isinstance(address, UnixAddress):
        return _listen_unix(address.path)
    return await _listen_tcp(address)


def _listen_unix(path: str) -> Listener:
    if len(os.fsencode(path)) >= UNIX_PATH_MAX:
        raise ListenError(f"UNIX socket path '{path}' is too long")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        _bind_unix(sock, path)
        listener = Listener(sock, path)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise ListenError(f"Failed to bind socket to {path}: {error.strerror}") from None
    except ListenError:
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
        raise ListenError(f"Failed to bind socket to {path}: the file there is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)  # noqa: PTH108 - as above
            return
        except BlockingIOError:
            pass  # alive, and its backlog is full
    raise ListenError(f"Failed to bind socket to {path}: Address already in use")


async def _listen_tcp(address: TcpAddress) -> Listener:
    try:
        if not address.host:
            return Listener(_any_address(address.port))
        found = await asyncio.get_running_loop().getaddrinfo(
            address.host,
            address.port,
            type=socket.SOCK_STREAM,
            flags=socket.AI_PASSIVE,
        )
        family, where = min((info[0], info[4]) for info in found)  # IPv4 before IPv6
        sock = socket.create_server(where, family=family, backlog=BACKLOG)
    except socket.gaierror as error:
        raise ListenError(f"address resolution failed for {address}: {error.strerror}") from None
    except UnicodeError:
        raise ListenError(f"address resolution failed for {address}: no such name") from None
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ListenError(f"Failed to bind socket to {address}: {reason}") from None
    sock.setblocking(False)
    return Listener(sock)


def _any_address(port: int) -> socket.socket:
    dual = socket.has_dualstack_ipv6()
    sock = socket.create_server(
        ("", port),
        family=socket.AF_INET6 if dual else socket.AF_INET,
        backlog=BACKLOG,
        dualstack_ipv6=dual,
    )
    sock.setblocking(False)
    return sock


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
