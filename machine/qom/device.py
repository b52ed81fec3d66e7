"""Nodes of devices: what every device has, and what can be said to writes that come too late.

QEMU's devices take their properties before they are realized; here all of them are (QEMU:
hw/core/qdev). What a realized device could be told by a write, no device of ours would act upon, so
each write is refused, in the words for a static property.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from machine.errors import MachineError
from machine.qom.node import Node, Numbered, Property

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine.memmap import Range

SYSTEM_BUS_PATH = "/machine/unattached/sysbus"
SYSTEM_MEMORY = "/machine/unattached/system[0]"


DEVICE_PROPERTIES = ("type", "parent_bus", "realized", "hotplugged", "hotpluggable")
"""What every device has."""


class Declared(NamedTuple):
    """A property of a device type: one declaration for tree, introspection and `info qtree`.

    Attributes:
        name: as clients write it.
        type: as `qom-list` shows it.
        get: its value, from the machine; None where it can't be read.
        default: what `device-list-properties` says, if it says anything.
        description: likewise.
    """

    name: str
    type: str
    get: Callable[[Any], Any] | None
    default: object = None
    description: str | None = None


@dataclass(slots=True)
class Qdev:
    """What a node is as a device.

    Attributes:
        device_id: the user's id, if one was given.
        bus: the path of the bus that it is on, or nothing.
        gpios: its lines, as `info qtree` counts them: direction, name, number.
        clocks: the inputs for its clocks.
        mmio: its registers' places.
    """

    device_id: str | None = None
    bus: str = ""
    gpios: tuple[tuple[str, str, int], ...] = ()
    clocks: tuple[str, ...] = ()
    mmio: tuple[Range, ...] = ()


def device(type_: str, qdev: Qdev, *, hotplugged: bool = False, hotpluggable: bool = False) -> Node:
    """A device with what each has."""
    node = Node(type_, qdev=qdev)
    node.show("parent_bus", "link<bus>", qdev.bus)
    node.properties["realized"] = Property("bool", lambda: True, partial(_realize, node))
    node.show("hotplugged", "bool", hotplugged)
    node.show("hotpluggable", "bool", hotpluggable)
    return node


def declare(node: Node, entry: Declared, subject: object) -> None:
    """Give a device a property of its type, read from `subject`."""
    get = partial(entry.get, subject) if entry.get is not None else None
    if entry.get is None:
        node.properties[entry.name] = Property(entry.type)
    elif entry.type.startswith("link<"):
        node.properties[entry.name] = link(node, entry.name, entry.type, get)
    else:
        node.properties[entry.name] = static(node, entry.name, entry.type, get)


def static(node: Node, name: str, type_: str, get: Callable[[], Any] | None) -> Property:
    """A device's property that is fixed once it is realized."""
    refuse = partial(_too_late, node, name)
    return Property(type_, get, refuse, check=refuse)


def settled(node: Node, name: str, type_: str, get: Callable[[], Any] | None) -> Property:
    """One that QEMU would still take, though nothing looks at it any more."""
    return Property(type_, get, partial(_too_late, node, name))


def link(node: Node, name: str, type_: str, get: Callable[[], Any] | None) -> Property:
    """A device's link to an object that the board has chosen."""
    return Property(type_, get, partial(_linked, node, name))


def outputs(node: Node, name: str, count: int, lead: Callable[[int], str]) -> None:
    """Give a device lines that lead to other devices' inputs; `lead` says which by their number."""

    def make(n: int) -> Property:
        return link(node, f"{name}[{n}]", "link<irq>", partial(lead, n))

    node.groups.append(Numbered(name, count, make))


def _too_late(node: Node, name: str, _value: object = None) -> NoReturn:
    device_id = node.qdev.device_id if node.qdev is not None else None
    which = f"device '{device_id}'" if device_id is not None else "anonymous device"
    raise MachineError(
        f"Attempt to set property '{name}' on {which} (type '{node.type}') after it was realized",
    )


def _linked(node: Node, name: str, _target: object) -> NoReturn:
    device_id = node.qdev.device_id if node.qdev is not None else None
    raise MachineError(
        f"Attempt to set link property '{name}' on device '{device_id or '(null)'}' "
        f"(type '{node.type}') after it was realized",
    )


def _realize(node: Node, value: object) -> None:
    """Realizing a device again changes nothing; it goes by device_del, or not at all."""
    if value is not True:
        raise MachineError(f"Property '{node.type}.realized' is not writable")
