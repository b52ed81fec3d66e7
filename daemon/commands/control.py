"""QAPI control: versions, introspection, the end."""

from typing import TYPE_CHECKING, Any, cast

from daemon.version import VERSION
from protocol.command import command
from protocol.qapi.control import CommandInfo, VersionInfo
from protocol.schema import build_schema

if TYPE_CHECKING:
    from daemon.context import Context
    from protocol.qapi.introspect import SchemaInfo


def __getattr__(name: str) -> Any:
    """Import the model once somebody asks for it, which at a start nobody does."""
    if name != "SchemaInfo":
        raise AttributeError(name)
    from protocol.qapi.introspect import SchemaInfo  # noqa: PLC0415 - see above

    return SchemaInfo


@command("query-version", allow_preconfig=True, static=True)
def query_version(_context: "Context") -> VersionInfo:
    """Return the version that this server speaks for."""
    return VERSION


@command("query-commands", allow_preconfig=True, static=True)
def query_commands(context: "Context") -> list[CommandInfo]:
    """List all commands."""
    return [CommandInfo(name=name) for name in context.commands]


@command("query-qmp-schema", allow_preconfig=True, static=True)
def query_qmp_schema(context: "Context") -> "list[SchemaInfo]":
    """Describe all commands, events and types."""
    # As it goes over the wire: models in between would cost more than all the rest.
    return cast("list[SchemaInfo]", build_schema(context.commands, context.events))


@command("quit", allow_preconfig=True)
def quit_(context: "Context") -> None:
    """End the machine and the daemon."""
    context.current.shutdown("host-qmp-quit")
