"""The UART in the object tree (QEMU: hw/char/pl011)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.memmap import UART0_SPI, Range
from machine.qom.device import Declared, outputs
from machine.qom.node import Node
from machine.qom.regions import EVERYTHING, UART, sysbus_device

if TYPE_CHECKING:
    from machine.virt import VirtMachine

_INPUT = f"unnamed-gpio-in[{UART0_SPI}]"
LINES = 6
"""UARTINTR, and the five of which it is made up; only the first one leads anywhere."""

PL011_PROPERTIES: tuple[Declared, ...] = (
    Declared(
        "chardev",
        "str",
        lambda machine: machine.uart.chardev,
        None,
        "ID of a chardev to use as a backend",
    ),
    Declared("migrate-clk", "bool", lambda _machine: True, True),
)


def pl011_node(machine: VirtMachine, gic_path: str) -> Node:
    """The `pl011` of a machine."""
    node = sysbus_device(machine, UART, PL011_PROPERTIES, (("gpio-out", "sysbus-irq", LINES),))
    outputs(node, "sysbus-irq", LINES, lambda n: "" if n else f"{gic_path}/{_INPUT}")
    node.add("clk", "clock", lambda: Node("clock"))
    if node.qdev is not None:
        node.qdev.clocks = ("clk",)
        # The board maps the registers itself, so that the bus does not know where they are.
        node.qdev.mmio = tuple(Range(EVERYTHING, place.size) for place in node.qdev.mmio)
    return node
