"""QAPI qom: the object tree."""

from typing import TYPE_CHECKING, Any

from machine.cpu_models import ABSTRACT_TYPES, CPU_MODELS
from machine.cpu_properties import CPU_PROPERTIES
from protocol.command import command
from protocol.errors import DeviceNotFoundError, QmpError
from protocol.qapi.qom import ObjectPropertyInfo, ObjectTypeInfo

if TYPE_CHECKING:
    from daemon.context import Context

CPU_PARENT = "aarch64-cpu"
CPU_ANCESTORS = (CPU_PARENT, "arm-cpu", "cpu", "device", "object")


@command("qom-list", allow_preconfig=True)
def qom_list(context: "Context", path: str) -> list[ObjectPropertyInfo]:
    """List the properties of an object; its children are among them."""
    return [
        ObjectPropertyInfo(name=name, type=type_) for name, type_ in context.machine.qom.properties(path)
    ]


@command("qom-get", allow_preconfig=True)
def qom_get(context: "Context", path: str, property: str) -> Any:  # noqa: A002 - QAPI's name
    """Read a property of an object."""
    return context.machine.qom.get(path, property)


@command("qom-list-types", allow_preconfig=True)
def qom_list_types(
    _context: "Context",
    implements: str | None = None,
    abstract: bool | None = None,  # noqa: FBT001 - QAPI's signature
) -> list[ObjectTypeInfo]:
    """List the types that a user may name, or those of them that implement another."""
    listed = [
        ObjectTypeInfo(name=model.typename, parent=CPU_PARENT)
        for model in CPU_MODELS.values()
        if implements in {None, model.typename, *CPU_ANCESTORS}
    ]
    if abstract:
        chain = zip(CPU_ANCESTORS, (*CPU_ANCESTORS[1:], None), strict=True)
        listed += [
            ObjectTypeInfo(name=name, parent=parent, abstract=True)
            for name, parent in chain
            if implements is None or implements in CPU_ANCESTORS[CPU_ANCESTORS.index(name) :]
        ]
    return listed


@command("device-list-properties", allow_preconfig=True)
def device_list_properties(_context: "Context", typename: str) -> list[ObjectPropertyInfo]:
    """List the properties of a device type."""
    if typename in ABSTRACT_TYPES:
        raise QmpError("Parameter 'typename' expects a non-abstract device type")
    if typename not in {model.typename for model in CPU_MODELS.values()}:
        raise DeviceNotFoundError(f"Device '{typename}' not found")
    return [
        ObjectPropertyInfo(
            name=entry.name,
            type=entry.type,
            description=entry.description,
            default_value=entry.default,
        )
        for entry in CPU_PROPERTIES
        if entry.introspect
    ]
