"""QAPI qom: objects that users create and delete."""

from typing import TYPE_CHECKING

from protocol.command import command
from protocol.qapi.objects import ObjectOptions

if TYPE_CHECKING:
    from daemon.context import Context


@command("object-add", boxed=True)
def object_add(context: "Context", options: ObjectOptions) -> None:
    """Create an object: TLS credentials, or an access list."""
    context.objects.create(options)


@command("object-del")
def object_del(context: "Context", id: str) -> None:  # noqa: A002 - QAPI's name
    """Delete an object that a user has created."""
    context.objects.delete(id)
