"""QAPI qom: objects that users create and delete."""

from typing import TYPE_CHECKING, Any

from protocol.command import command

if TYPE_CHECKING:
    from daemon.context import Context
    from protocol.qapi.objects import ObjectOptions


def __getattr__(name: str) -> Any:
    """Import the model once somebody asks for it, which at a start nobody does."""
    if name != "ObjectOptions":
        raise AttributeError(name)
    from protocol.qapi.objects import ObjectOptions  # noqa: PLC0415 - see above

    return ObjectOptions


@command("object-add", boxed=True, allow_preconfig=True)
def object_add(context: "Context", options: "ObjectOptions") -> None:
    """Create an object: a memory backend, TLS credentials, or an access list."""
    context.objects.create(options)


@command("object-del", allow_preconfig=True)
def object_del(context: "Context", id: str) -> None:  # noqa: A002 - QAPI's name
    """Delete an object that a user has created."""
    context.objects.delete(id)
