"""The Generic Event Device in the object tree (QEMU: hw/acpi/generic_event_device)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.acpi.ged import CPU_HOTPLUG, POWER_DOWN
from machine.memmap import GED_SPI
from machine.qom.device import Declared, outputs
from machine.qom.regions import GED, sysbus_device

if TYPE_CHECKING:
    from machine.qom.node import Node
    from machine.virt import VirtMachine

GED_PROPERTIES: tuple[Declared, ...] = (
    Declared("ged-event", "uint32", lambda _machine: POWER_DOWN | CPU_HOTPLUG, 0),
)


def ged_node(machine: VirtMachine, gic_path: str) -> Node:
    """The `acpi-ged` of a machine that has one."""
    node = sysbus_device(machine, GED, GED_PROPERTIES, (("gpio-out", "sysbus-irq", 1),))
    outputs(node, "sysbus-irq", 1, lambda _n: f"{gic_path}/unnamed-gpio-in[{GED_SPI}]")
    return node
