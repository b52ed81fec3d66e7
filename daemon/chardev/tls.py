"""TLS on a socket: a handshake within bounds, and nobody let in whom the rules do not allow."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol, cast

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

    def authorize(self, authz: str, name: str) -> bool:
        """Tell whether the object of this id lets in whose distinguished name this is."""


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
            cast("asyncio.Transport", transport).abort()
            self._protocol.finish()

    def _is_allowed(self, authz: str, transport: asyncio.BaseTransport) -> bool:
        name = _name_of(transport.get_extra_info("ssl_object"))
        allowed = name is not None and self._tls.authorize(authz, name)
        if not allowed:
            log.warning("'%s' does not let in %s", authz, name or "who shows no name")
        return allowed


def _name_of(peer: ssl.SSLObject) -> str | None:
    """The distinguished name in the certificate that a peer has shown, if it has."""
    from daemon.objects.certificate import (  # noqa: PLC0415 - few speak TLS
        Certificate,
        CertificateError,
    )

    shown = peer.getpeercert(binary_form=True)
    try:
        return Certificate.from_der(shown).subject if shown else None
    except CertificateError:
        return None


async def secure(config: SocketChardev, sock: socket.socket, protocol: Peer, tls: Tls) -> None:
    """Let the protocol serve the peer at the other end of a socket, once it has proven itself.

    Raises:
        OSError: it has not.
    """
    loop = asyncio.get_running_loop()
    gate = _Gate(protocol, tls, config.tls_authz)
    creds = config.tls_creds or ""
    if config.server:
        connecting = loop.connect_accepted_socket(
            lambda: gate,
            sock,
            ssl=tls.server_context(creds),
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT,
            ssl_shutdown_timeout=SHUTDOWN_TIMEOUT,
        )
    else:
        connecting = loop.create_connection(
            lambda: gate,
            sock=sock,
            ssl=tls.client_context(creds),
            server_hostname=getattr(config.address, "host", ""),
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT,
            ssl_shutdown_timeout=SHUTDOWN_TIMEOUT,
        )
    # Not to be cancelled half-way: uvloop would lose the transport, and never say so.
    await asyncio.shield(asyncio.ensure_future(connecting))
