"""How `query-chardev` names a socket: QEMU's notation for one that is connected, or is not."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from daemon.config import TcpAddress

if TYPE_CHECKING:
    from daemon.config import Address


def disconnected(address: Address, *, server: bool) -> str:
    """The name while nobody is there."""
    return f"disconnected:{address}{_role(server=server)}"


def connected(sock: socket.socket, *, server: bool) -> str:
    """The name while this socket leads to the peer."""
    role = _role(server=server)
    if sock.family == socket.AF_UNIX:
        return f"unix:{_path(sock)}{role}"
    return f"{_tcp(sock.getsockname())}{role} <-> {str(_tcp(sock.getpeername()))[4:]}"


def _role(*, server: bool) -> str:
    return ",server=on" if server else ""


def _path(sock: socket.socket) -> str:
    name = sock.getsockname()
    return name if isinstance(name, str) else ""


def _tcp(name: tuple[str, int]) -> TcpAddress:
    return TcpAddress(host=name[0], port=name[1])
