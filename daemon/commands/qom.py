"""QAPI qom: the object tree, and the types of what is in it."""

from typing import TYPE_CHECKING, Any

from protocol.command import command
from protocol.qapi.qom import ObjectPropertyInfo, ObjectTypeInfo

if TYPE_CHECKING:
    from collections.abc import Iterable

    from daemon.context import Context
    from machine.qom.types import TypeProperty


@command("qom-list", allow_preconfig=True)
def qom_list(context: "Context", path: str) -> list[ObjectPropertyInfo]:
    """List the properties of an object; its children are among them."""
    return [
        ObjectPropertyInfo(name=name, type=type_)
        for name, type_ in context.current.qom.properties(path)
    ]


@command("qom-get", allow_preconfig=True)
def qom_get(context: "Context", path: str, property: str) -> Any:  # noqa: A002 - QAPI's name
    """Read a property of an object."""
    return context.current.qom.get(path, property)


@command("qom-set", allow_preconfig=True)
def qom_set(context: "Context", path: str, property: str, value: Any) -> None:  # noqa: A002 - QAPI's name
    """Write a property of an object."""
    context.current.qom.set(path, property, value)


@command("qom-list-types", allow_preconfig=True)
def qom_list_types(
    context: "Context",
    implements: str | None = None,
    abstract: bool | None = None,  # noqa: FBT001 - QAPI's signature
) -> list[ObjectTypeInfo]:
    """List the types, or those of them that implement another."""
    return [
        ObjectTypeInfo(name=entry.name, parent=entry.parent, abstract=entry.abstract or None)
        for entry in context.current.qom.types.list(implements, abstract=bool(abstract))
    ]


@command("qom-list-properties", allow_preconfig=True)
def qom_list_properties(context: "Context", typename: str) -> list[ObjectPropertyInfo]:
    """List the properties of a type's instances."""
    listed = context.current.qom.types.properties(typename)
    return [
        ObjectPropertyInfo(name=entry.name, type=entry.type, description=entry.description)
        for entry in listed
    ]


@command("device-list-properties")
def device_list_properties(context: "Context", typename: str) -> list[ObjectPropertyInfo]:
    """List the properties that a device type has beyond those of every device."""
    return _shown(context.current.qom.types.device_properties(typename))


def _shown(properties: "Iterable[TypeProperty]") -> list[ObjectPropertyInfo]:
    return [
        ObjectPropertyInfo(
            name=entry.name,
            type=entry.type,
            description=entry.description,
            default_value=entry.default,
        )
        for entry in properties
    ]
