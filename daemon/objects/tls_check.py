"""Checks of TLS credentials before anyone relies on them (QEMU: `sanity-check`).

What a peer would refuse us for is told when the object is created, not when the peer comes.
"""

from __future__ import annotations

import itertools
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from daemon.objects.certificate import CertificateError, certificates
from daemon.objects.tls import CLIENT, SERVER, new_context
from protocol.errors import QmpError

if TYPE_CHECKING:
    from daemon.objects.certificate import Certificate
    from daemon.objects.tls import PemFiles
    from protocol.qapi.crypto import QCryptoTLSCredsEndpoint

UNKNOWN_ISSUER = frozenset({2, 18, 19, 20, 21})
"""OpenSSL's verdicts (X509_V_ERR_*) about a certificate that nobody vouches for."""

WRONG_PURPOSE = 26
"""OpenSSL's verdict about a client's certificate as a server's: that is for the peer to judge."""


def check(files: PemFiles, endpoint: QCryptoTLSCredsEndpoint) -> None:
    """Check the certificates.

    Raises:
        QmpError: one is broken, has expired, or is not vouched for.
    """
    own = None if files.own is None else files.own[0]
    ours = [] if own is None else _read(own, f"{endpoint} certificate")
    authorities = _read(files.ca, "CA certificate list")
    if own is not None:
        _check_times(ours[0], own, str(endpoint))
        if ours[0].is_ca:
            raise QmpError(
                f"The certificate {own} basic constraints show a CA, "
                f"but we need one for a {endpoint}"
            )
    for authority in authorities:
        _check_times(authority, files.ca, "CA")
        if not authority.is_ca:
            raise QmpError(f"The certificate {files.ca} basic constraints do not show a CA")
    if own is not None:
        _check_issuer(files, own, endpoint)


def _read(path: str, what: str) -> list[Certificate]:
    try:
        found = certificates(Path(path).read_bytes())
    except (OSError, CertificateError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise QmpError(f"Unable to import {what} {path}: {reason}") from None
    if not found:
        raise QmpError(f"Unable to import {what} {path}: there is no certificate in it")
    return found


def _check_times(certificate: Certificate, path: str, whose: str) -> None:
    now = datetime.now(UTC)
    if certificate.not_after < now:
        raise QmpError(f"The {whose} certificate {path} has expired")
    if certificate.not_before > now:
        raise QmpError(f"The {whose} certificate {path} is not yet active")


def _check_issuer(files: PemFiles, own: str, endpoint: QCryptoTLSCredsEndpoint) -> None:
    """Shake hands with ourselves: does our certificate hold before our own authorities?"""
    ours = new_context(files, endpoint, verify=False)
    peer = new_context(files, CLIENT if endpoint is SERVER else SERVER, verify=True)
    peer.check_hostname = False
    try:
        _shake_hands(*((ours, peer) if endpoint is SERVER else (peer, ours)))
    except ssl.SSLCertVerificationError as error:
        if error.verify_code != WRONG_PURPOSE:
            raise QmpError(
                f"Our own certificate {own} failed validation against {files.ca}: {_reason(error)}"
            ) from None


def _reason(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code in UNKNOWN_ISSUER:
        return "The certificate hasn't got a known issuer"
    return error.verify_message


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    """Let two endpoints meet in memory, each taking its turn until both are content."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = {client.wrap_bio(down, up), server.wrap_bio(up, down, server_side=True)}
    for side in itertools.cycle(list(sides)):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
        sides.discard(side)
        if not sides:
            return
