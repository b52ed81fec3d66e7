"""QAPI ``crypto``: what TLS is spoken with.

GnuTLS's ``priority`` and the ``passwordid`` of encrypted keys are not members: there are neither
GnuTLS nor secrets here.
"""

from protocol.model import QapiEnum, WireModel


class QCryptoTLSCredsEndpoint(QapiEnum):
    """Which end of a connection credentials are for."""

    CLIENT = "client"
    SERVER = "server"


class TlsCredsX509Properties(WireModel):
    """X.509 certificates and keys, in files of known names in one directory."""

    verify_peer: bool | None = None
    dir_: str | None = None
    endpoint: QCryptoTLSCredsEndpoint | None = None
    sanity_check: bool | None = None
