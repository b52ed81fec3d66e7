"""From addresses to sockets: names are looked up, numbers are taken for what was inherited."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

from daemon.chardev.errors import ChardevError

if TYPE_CHECKING:
    from daemon.config import FdAddress, TcpAddress

INT_MAX = 2**31 - 1

FAMILIES = {"any": socket.AF_UNSPEC, "ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}

Where = tuple[int, tuple[Any, ...]]
"""An address family, and an address of it as `socket` has them."""


async def resolve(address: TcpAddress, *, passive: bool = False) -> list[Where]:
    """Look a host up, IPv4 first; an empty one is every address there is.

    Raises:
        ChardevError: there is no such host.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            address.host or None,
            address.port,
            family=FAMILIES[address.family],
            type=socket.SOCK_STREAM,
            flags=socket.AI_PASSIVE if passive else 0,
        )
    except socket.gaierror as error:
        reason = error.strerror
    except UnicodeError:  # a label that is too long, for example
        reason = "Name or service not known"
    else:
        return sorted({(info[0], info[4]) for info in found})
    raise ChardevError(f"address resolution failed for {str(address)[4:]}: {reason}")


def inherited(address: FdAddress) -> socket.socket:
    """Take over a socket that the process was started with; it does not block from now on.

    Raises:
        ChardevError: there is none of that number, or it is taken.
    """
    text = str(address.fd)
    if not (text.isascii() and text.removeprefix("-").isdigit()):
        raise ChardevError(f"Unable to parse FD number {text}")
    fd = int(text)
    if abs(fd) > INT_MAX:
        raise ChardevError(f"Unable to parse FD number {fd}: Numerical result out of range")
    try:
        sock = socket.socket(fileno=fd)
    except (OSError, ValueError):
        raise ChardevError(f"File descriptor '{fd}' is not a socket") from None
    if (reason := _refusal(sock)) is not None:
        sock.detach()
        raise ChardevError(f"File descriptor '{fd}' is {reason}")
    sock.set_inheritable(False)
    sock.setblocking(False)
    return sock


def _refusal(sock: socket.socket) -> str | None:
    """Why a socket can't be taken over; what is ours already does not outlive exec, as it did."""
    if not sock.get_inheritable():
        return "not inherited, or in use already"
    return None if sock.type == socket.SOCK_STREAM else "not a stream socket"
