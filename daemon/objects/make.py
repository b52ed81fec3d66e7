"""What makes objects: their types, and the check of what a client says of them.

Few daemons have any, and the models cost time to import: `daemon.objects.store` comes here with the
first one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daemon.objects.authz import AuthZList, AuthZSimple
from protocol.arguments import validate
from protocol.qapi.objects import ObjectOptions, ObjectType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from daemon.objects.store import UserCreatable
    from daemon.objects.tls import TlsCredsX509


def _tls_creds_x509(properties: Any) -> TlsCredsX509:
    from daemon.objects.tls import TlsCredsX509  # noqa: PLC0415 - not every object is about TLS

    return TlsCredsX509(properties)


TYPES: Mapping[ObjectType, Callable[[Any], UserCreatable]] = {
    ObjectType.AUTHZ_LIST: AuthZList,
    ObjectType.AUTHZ_SIMPLE: AuthZSimple,
    ObjectType.TLS_CREDS_X509: _tls_creds_x509,
}
"""What makes an object of each type from its properties; raises QmpError where that fails."""


def make(options: ObjectOptions) -> UserCreatable:
    """Make one.

    Raises:
        QmpError: it can't be.
    """
    return TYPES[options.qom_type](options.variant)


def read_options(members: Mapping[str, Any]) -> ObjectOptions:
    """Check the members of a JSON object that describes one.

    Raises:
        QmpError: in QAPI's words.
    """
    options: ObjectOptions = validate(ObjectOptions, dict(members), "options")["options"]
    return options
