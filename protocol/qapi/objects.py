"""QAPI ``qom``, the part about objects that users create (``object-add``, ``object-del``)."""

from protocol.model import QapiEnum
from protocol.qapi.authz import AuthZListProperties, AuthZSimpleProperties
from protocol.qapi.crypto import TlsCredsX509Properties
from protocol.qapi.memory import MemoryBackendProperties
from protocol.union import FlatUnion


class ObjectType(QapiEnum):
    """The types that a user may create objects of."""

    AUTHZ_LIST = "authz-list"
    AUTHZ_SIMPLE = "authz-simple"
    MEMORY_BACKEND_RAM = "memory-backend-ram"
    TLS_CREDS_X509 = "tls-creds-x509"


class ObjectOptions(
    FlatUnion,
    tag="qom_type",
    branches={
        ObjectType.AUTHZ_LIST: AuthZListProperties,
        ObjectType.AUTHZ_SIMPLE: AuthZSimpleProperties,
        ObjectType.MEMORY_BACKEND_RAM: MemoryBackendProperties,
        ObjectType.TLS_CREDS_X509: TlsCredsX509Properties,
    },
):
    """What an object is created from."""

    qom_type: ObjectType
    id_: str
