"""The real time clock in the object tree (QEMU: hw/rtc/pl031)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.memmap import RTC_SPI
from machine.qom.device import Declared, outputs
from machine.qom.regions import RTC, sysbus_device

if TYPE_CHECKING:
    from machine.qom.node import Node
    from machine.virt import VirtMachine

PL031_PROPERTIES: tuple[Declared, ...] = (
    Declared("migrate-tick-offset", "bool", lambda _machine: True, True),
)


def pl031_node(machine: VirtMachine, gic_path: str) -> Node:
    """The `pl031` of a machine."""
    node = sysbus_device(machine, RTC, PL031_PROPERTIES, (("gpio-out", "sysbus-irq", 1),))
    outputs(node, "sysbus-irq", 1, lambda _n: f"{gic_path}/unnamed-gpio-in[{RTC_SPI}]")
    return node
