"""What makes objects: their types, and the check of what a client says of them.

Few daemons have any, and the models cost time to import: `daemon.objects.store` comes here with the
first one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daemon.objects.authz import AuthZList, AuthZSimple
from daemon.objects.memory import make_backend
from protocol.arguments import validate
from protocol.qapi.objects import ObjectOptions, ObjectType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from daemon.objects.store import Made
    from daemon.objects.tls import TlsCredsX509


def _authz_list(properties: Any, _id: str) -> AuthZList:
    return AuthZList(properties)


def _authz_simple(properties: Any, _id: str) -> AuthZSimple:
    return AuthZSimple(properties)


def _tls_creds_x509(properties: Any, _id: str) -> TlsCredsX509:
    from daemon.objects.tls import TlsCredsX509  # noqa: PLC0415 - not every object is about TLS

    return TlsCredsX509(properties)


TYPES: Mapping[ObjectType, Callable[[Any, str], Made]] = {
    ObjectType.AUTHZ_LIST: _authz_list,
    ObjectType.AUTHZ_SIMPLE: _authz_simple,
    ObjectType.MEMORY_BACKEND_RAM: make_backend,
    ObjectType.TLS_CREDS_X509: _tls_creds_x509,
}
"""What makes an object of each type from properties and id; raises QmpError where that fails."""


def make(options: ObjectOptions) -> Made:
    """Make one.

    Raises:
        QmpError: it can't be.
    """
    return TYPES[options.qom_type](options.variant, options.id_)


def read_options(members: Mapping[str, Any]) -> ObjectOptions:
    """Check the members of a JSON object that describes one.

    Raises:
        QmpError: in QAPI's words.
    """
    options: ObjectOptions = validate(ObjectOptions, dict(members), "options")["options"]
    return options
