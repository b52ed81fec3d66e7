"""QAPI ``qom``, the part about objects that users create (``object-add``, ``object-del``)."""

from protocol.model import QapiEnum
from protocol.qapi.authz import AuthZListProperties, AuthZSimpleProperties
from protocol.qapi.crypto import TlsCredsX509Properties
from protocol.union import FlatUnion


class ObjectType(QapiEnum):
    """The types that a user may create objects of."""

    AUTHZ_LIST = "authz-list"
    AUTHZ_SIMPLE = "authz-simple"
    TLS_CREDS_X509 = "tls-creds-x509"


class ObjectOptions(
    FlatUnion,
    tag="qom_type",
    branches={
        ObjectType.AUTHZ_LIST: AuthZListProperties,
        ObjectType.AUTHZ_SIMPLE: AuthZSimpleProperties,
        ObjectType.TLS_CREDS_X509: TlsCredsX509Properties,
    },
):
    """What an object is created from."""

    qom_type: ObjectType
    id_: str
