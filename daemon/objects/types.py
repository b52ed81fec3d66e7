"""The QOM types of objects that users create, beside those of the machine itself."""

from __future__ import annotations

from machine.qom.types import QomType, TypeProperty

OBJECT_TYPES = (
    QomType("authz", "object", abstract=True, interfaces=("user-creatable",)),
    QomType("authz-simple", "authz", properties=(TypeProperty("identity", "string"),)),
    QomType(
        "authz-list",
        "authz",
        properties=(
            TypeProperty("policy", "QAuthZListPolicy"),
            TypeProperty("rules", "QAuthZListRule"),
        ),
    ),
    QomType(
        "tls-creds",
        "object",
        abstract=True,
        properties=(
            TypeProperty("endpoint", "QCryptoTLSCredsEndpoint"),
            TypeProperty("dir", "string"),
            TypeProperty("verify-peer", "bool"),
        ),
    ),
    QomType(
        "tls-creds-x509",
        "tls-creds",
        interfaces=("user-creatable",),
        properties=(TypeProperty("sanity-check", "bool"),),
    ),
)
