"""Connecting out, to whoever listens."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING, Any

from daemon.chardev.address import inherited, resolve
from daemon.chardev.errors import ChardevError
from daemon.config import FdAddress, UnixAddress

if TYPE_CHECKING:
    from daemon.config import Address


async def connect(address: Address) -> socket.socket:
    """Connect there, and return the socket, which does not block.

    Raises:
        ChardevError: nobody is there.
    """
    if isinstance(address, FdAddress):
        return _connected_already(address)
    if isinstance(address, UnixAddress):
        candidates: list[tuple[int, Any]] = [(socket.AF_UNIX, address.path)]
        told = address.path
    else:
        candidates = [*await resolve(address)]
        told = str(address)[4:]
    try:
        return await _first_of(candidates)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ChardevError(f"Failed to connect to '{told}': {reason}") from None


async def _first_of(candidates: list[tuple[int, Any]]) -> socket.socket:
    for family, where in candidates[:-1]:
        try:
            return await _connect(family, where)
        except OSError:
            continue  # the next one may do; the last one says why not
    return await _connect(*candidates[-1])


async def _connect(family: int, where: Any) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        await asyncio.get_running_loop().sock_connect(sock, where)
    except BaseException:
        sock.close()
        raise
    return sock


def _connected_already(address: FdAddress) -> socket.socket:
    sock = inherited(address)
    if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        sock.close()
        raise ChardevError(
            f"File descriptor '{address.fd}' is a listening socket: that needs server=on",
        )
    try:
        sock.getpeername()
    except OSError as error:
        sock.close()
        raise ChardevError(f"Failed to connect to '{address}': {error.strerror}") from None
    return sock
