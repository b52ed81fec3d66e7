"""TLS on a socket: a handshake within bounds, and nobody let in whom the rules do not allow."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol, cast

from daemon.chardev.errors import ChardevError
from protocol.errors import QmpError

if TYPE_CHECKING:
    import socket
    import ssl

    from daemon.chardev.backend import Peer
    from daemon.config import SocketChardev

log = logging.getLogger(__name__)

HANDSHAKE_TIMEOUT = 10.0
"""Seconds that a client has to say who it is: others wait behind it."""

SHUTDOWN_TIMEOUT = 2.0
"""Seconds that a client has to agree that it is over."""


class Tls(Protocol):
    """What the objects of the machine know of keys and names (`-object tls-creds-x509,...`)."""

    def server_context(self, creds: str) -> ssl.SSLContext:
        """Return how clients are spoken to by the object of this id."""

    def client_context(self, creds: str) -> ssl.SSLContext:
        """Return how servers are spoken to by the object of this id."""

    def authorize(self, authz: str, peer: ssl.SSLObject) -> bool:
        """Tell whether the object of this id lets the peer in."""


class _Gate(asyncio.Protocol):
    """Stands before a peer's protocol until it is decided whether the peer may talk to it."""

    def __init__(self, protocol: Peer, tls: Tls, authz: str | None) -> None:
        self._protocol = protocol
        self._tls = tls
        self._authz = authz

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the peer through, or send it away unheard."""
        if self._authz is None or self._is_allowed(self._authz, transport):
            transport.set_protocol(self._protocol)
            self._protocol.connection_made(transport)
        else:
            log.warning("'%s' does not let a client in", self._authz)
            cast("asyncio.Transport", transport).abort()
            self._protocol.finish()

    def _is_allowed(self, authz: str, transport: asyncio.BaseTransport) -> bool:
        try:
            return self._tls.authorize(authz, transport.get_extra_info("ssl_object"))
        except ValueError as error:  # a certificate that nobody can read
            log.warning("%s", error)
            return False


def credentials(config: SocketChardev, tls: Tls | None) -> ssl.SSLContext | None:
    """Find out how a device speaks TLS; None if it does not.

    Raises:
        ChardevError: there is no such object, or it is for the other end.
    """
    creds = config.tls_creds
    if creds is None:
        return None
    if tls is None:
        raise ChardevError(f"No TLS credentials with id '{creds}'")
    try:
        return tls.server_context(creds) if config.server else tls.client_context(creds)
    except QmpError as error:
        raise ChardevError(error.desc) from None


async def secure(
    context: ssl.SSLContext,
    config: SocketChardev,
    sock: socket.socket,
    protocol: Peer,
    tls: Tls,
) -> None:
    """Let the protocol serve the peer at the other end of a socket, once it has proven itself.

    Raises:
        OSError: it has not.
        ValueError: it is a server, and the address does not say of what name.
    """
    loop = asyncio.get_running_loop()
    gate = _Gate(protocol, tls, config.tls_authz)
    if config.server:
        connecting = loop.connect_accepted_socket(
            lambda: gate,
            sock,
            ssl=context,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT,
            ssl_shutdown_timeout=SHUTDOWN_TIMEOUT,
        )
    else:
        connecting = loop.create_connection(
            lambda: gate,
            sock=sock,
            ssl=context,
            server_hostname=getattr(config.address, "host", ""),
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT,
            ssl_shutdown_timeout=SHUTDOWN_TIMEOUT,
        )
    # Not to be cancelled half-way: uvloop would lose the transport, and never say so.
    await asyncio.shield(asyncio.ensure_future(connecting))
