"""TLS credentials from a directory of PEM files, under the names that QEMU looks for.

Everything is read when the object is created: what is missing, broken or has expired is an error
then, and what becomes of the files later changes nothing (QEMU: crypto/tlscredsx509).
"""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from machine.qom.node import Property
from protocol.errors import QmpError
from protocol.qapi.crypto import QCryptoTLSCredsEndpoint

if TYPE_CHECKING:
    from protocol.qapi.crypto import TlsCredsX509Properties

CLIENT, SERVER = QCryptoTLSCredsEndpoint.CLIENT, QCryptoTLSCredsEndpoint.SERVER

PROTOCOLS = {CLIENT: ssl.PROTOCOL_TLS_CLIENT, SERVER: ssl.PROTOCOL_TLS_SERVER}


@dataclass(frozen=True, slots=True)
class PemFiles:
    """Paths of the files that one endpoint reads.

    Attributes:
        ca: certificates of the authorities that may vouch for the peer.
        crl: certificates that they have revoked, if there is such a file.
        own: our own certificate and its key; a client may do without.
    """

    ca: str
    crl: str | None
    own: tuple[str, str] | None

    @classmethod
    def find(cls, folder: str, endpoint: QCryptoTLSCredsEndpoint) -> PemFiles:
        """Look for them.

        Raises:
            QmpError: one that is needed can't be had.
        """
        ca = _path(folder, "ca-cert.pem", required=True)
        crl = _path(folder, "ca-crl.pem")
        certificate, key = (
            _path(folder, f"{endpoint}-{what}.pem", required=endpoint is SERVER)
            for what in ("cert", "key")
        )
        own = (certificate, key) if certificate and key else None
        assert ca is not None  # noqa: S101 - it is required
        return cls(ca, crl, own)


class TlsCredsX509:
    """The certificates of one endpoint, and what its peers' are verified with.

    Attributes:
        context: speaks TLS with them.
        endpoint: the end of a connection that they are for.
        verify_peer: whether the peer must have a certificate that holds.

    Raises:
        QmpError: a file is missing, or is not what it should be.
    """

    def __init__(self, properties: TlsCredsX509Properties) -> None:
        if properties.dir_ is None:
            raise QmpError("Missing 'dir' property value")
        self.endpoint = properties.endpoint or CLIENT
        self.verify_peer = properties.verify_peer is not False
        self._dir = properties.dir_
        self._sanity_check = properties.sanity_check is not False
        files = PemFiles.find(self._dir, self.endpoint)
        if self._sanity_check:
            from daemon.objects.tls_check import check  # noqa: PLC0415 - it builds on this module

            check(files, self.endpoint)
        self.context = new_context(files, self.endpoint, verify=self.verify_peer)

    def properties(self) -> dict[str, Property]:
        """What QOM shows."""
        return {
            "endpoint": Property("QCryptoTLSCredsEndpoint", lambda: self.endpoint.value),
            "dir": Property("string", lambda: self._dir),
            "verify-peer": Property("bool", lambda: self.verify_peer),
            "sanity-check": Property("bool", lambda: self._sanity_check),
        }


def new_context(
    files: PemFiles, endpoint: QCryptoTLSCredsEndpoint, *, verify: bool
) -> ssl.SSLContext:
    """What speaks TLS 1.2 or later with these files.

    Raises:
        QmpError: they are not what they should be.
    """
    context = ssl.SSLContext(PROTOCOLS[endpoint])
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = verify and endpoint is CLIENT
    context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # each of the file's is trusted
    _load_authorities(context, files)
    if files.own is not None:
        _load_pair(context, *files.own)
    return context


def _load_authorities(context: ssl.SSLContext, files: PemFiles) -> None:
    try:
        context.load_verify_locations(files.ca)
    except (OSError, ssl.SSLError) as error:
        raise QmpError(f"Cannot load CA certificate '{files.ca}': {_reason(error)}") from None
    if files.crl is None:
        return
    try:
        context.load_verify_locations(files.crl)
    except (OSError, ssl.SSLError) as error:
        raise QmpError(f"Cannot load CRL '{files.crl}': {_reason(error)}") from None
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF


def _load_pair(context: ssl.SSLContext, certificate: str, key: str) -> None:
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ssl.SSLError) as error:
        raise QmpError(
            f"Cannot load certificate '{certificate}' & key '{key}': {_reason(error)}"
        ) from None


def _no_password() -> str:
    """Nobody is there to be asked; an encrypted key is one that can't be read."""
    return ""


REASONS = {
    None: "it is damaged, or encrypted",
    "KEY_VALUES_MISMATCH": "The certificate and the given key do not match.",
    "NO_CERTIFICATE_OR_CRL_FOUND": "there is none in it",
}
"""What OpenSSL says about a file that it can't read, in other words."""


def _reason(error: OSError) -> str | None:
    if isinstance(error, ssl.SSLError):
        return REASONS.get(error.reason, error.reason)
    return error.strerror


def _path(folder: str, name: str, *, required: bool = False) -> str | None:
    path = str(Path(folder, name))
    try:
        os.stat(path)  # noqa: PTH116 - to have the system's reason
    except (OSError, ValueError) as error:
        missing = isinstance(error, FileNotFoundError) and not required
        if missing:
            return None
        reason = error.strerror if isinstance(error, OSError) else error
        raise QmpError(f"Unable to access credentials {path}: {reason}") from None
    return path
