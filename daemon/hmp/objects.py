"""The object tree: the same handlers as QMP's, with text for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daemon.hmp.command import hmp
from daemon.options.json_object import parse_value
from daemon.options.usage import Exit, UsageError
from machine.qdev_values import parse_bool, parse_number
from machine.qom.values import RANGES
from protocol.encode import encode_value, prettify
from protocol.errors import QmpError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from daemon.hmp.monitor import HumanMonitor


@hmp("qom-list", args="path:s?", params="path", help="list QOM properties", preconfig=True)
def qom_list(monitor: HumanMonitor, path: str | None = None) -> Iterator[str]:
    """List the properties of an object."""
    if path is None:
        yield "/"
        return
    for entry in monitor.qmp("qom-list", path=path):
        yield f"{entry.name} ({entry.type})"


@hmp(
    "qom-get",
    args="path:s,property:s",
    params="path property",
    help="print QOM property",
    preconfig=True,
)
def qom_get(
    monitor: HumanMonitor,
    path: str,
    property: str,  # noqa: A002 - QAPI's name
) -> Iterator[str]:
    """Print a property of an object as JSON."""
    value = monitor.qmp("qom-get", path=path, property=property)
    yield prettify(encode_value(value)).decode().replace("\r\n", "\n").removesuffix("\n")


@hmp(
    "qom-set",
    args="json:-j,path:s,property:s,value:S",
    params="[-j] path property value",
    help="set QOM property.\n\t\t\t-j: the value is specified in json format.",
    preconfig=True,
)
def qom_set(
    monitor: HumanMonitor,
    path: str,
    property: str,  # noqa: A002 - QAPI's name
    value: str,
    *,
    json: bool,
) -> None:
    """Write a property of an object."""
    read: Any = _json(value) if json else _text(monitor, path, property, value)
    monitor.qmp("qom-set", path=path, property=property, value=read)


def _json(text: str) -> Any:
    """Read JSON as QMP does.

    Raises:
        QmpError: it is no value, or more than one.
    """
    try:
        return parse_value(text)
    except UsageError as error:
        raise QmpError(str(error)) from None


def _text(monitor: HumanMonitor, path: str, name: str, text: str) -> Any:
    """Read a value as a command line's options have it, by the property's type."""
    types = {entry.name: entry.type for entry in monitor.qmp("qom-list", path=path)}
    type_ = types.get(name, "string")
    if type_ == "bool":
        return parse_bool(name, text)
    if type_ not in RANGES:
        return text
    value = parse_number(text)
    if value is None:
        raise QmpError(f"Parameter '{name}' expects integer")
    return value


@hmp(
    "object_add",
    args="object:S",
    params="[qom-type=]type,id=str[,prop=value][,...]",
    help="create QOM object",
    preconfig=True,
)
def object_add(monitor: HumanMonitor, object: str) -> Iterator[str]:  # noqa: A002 - as above
    """Create an object from what `-object` takes, or list the types (`help`)."""
    from daemon.objects.make import read_options  # noqa: PLC0415 - most daemons have no objects
    from daemon.options.object import parse_object_option  # noqa: PLC0415 - as above

    try:
        given = parse_object_option(object)
    except Exit as told:
        yield str(told).removesuffix("\n")
        return
    except UsageError as error:
        raise QmpError(str(error)) from None
    monitor.context.objects.create(read_options(given))


@hmp("object_del", args="id:s", params="id", help="destroy QOM object", preconfig=True)
def object_del(monitor: HumanMonitor, id: str) -> None:  # noqa: A002 - as above
    """Delete an object that a user has created."""
    monitor.qmp("object-del", id=id)
