"""The panic device in the object tree (QEMU: hw/misc/pvpanic-mmio)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.acpi.pvpanic import EVENTS
from machine.qom.device import Declared
from machine.qom.regions import PVPANIC, sysbus_device

if TYPE_CHECKING:
    from machine.qom.node import Node
    from machine.virt import VirtMachine

PVPANIC_PROPERTIES: tuple[Declared, ...] = (
    Declared("events", "uint8", lambda _machine: EVENTS, EVENTS),
)


def pvpanic_node(machine: VirtMachine) -> Node:
    """The `pvpanic-mmio` of a machine that has one."""
    return sysbus_device(machine, PVPANIC, PVPANIC_PROPERTIES, ())
