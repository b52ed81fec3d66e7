"""The interrupt controller in the object tree (QEMU: hw/intc/arm_gicv3_common).

Its inputs are the SPIs, then 32 for each possible CPU; its outputs six for each: IRQ, FIQ, their
virtual forms, and the two non-maskable ones. The outputs lead to the CPUs that are there.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from machine.memmap import SPIS
from machine.qom.device import SYSTEM_MEMORY, Declared, outputs
from machine.qom.node import lines
from machine.qom.regions import GIC, redistributor_counts, sysbus_device

if TYPE_CHECKING:
    from machine.qom.node import Node
    from machine.virt import VirtMachine

LINES = 6
PRIVATE = 32

GIC_PROPERTIES: tuple[Declared, ...] = (
    Declared("num-cpu", "uint32", lambda machine: machine.possible_count, 1),
    Declared("num-smp-cpu", "uint32", lambda machine: machine.topology.cpus, 1),
    Declared("num-irq", "uint32", lambda machine: machine.vgic.irqs, 32),
    Declared("revision", "uint32", lambda _machine: 3, 3),
    Declared("has-lpi", "bool", lambda _machine: False, False),
    Declared("has-nmi", "bool", lambda _machine: False, False),
    Declared("has-security-extensions", "bool", lambda _machine: False, False),
    Declared("force-8-bit-prio", "bool", lambda _machine: False, False),
    Declared("redist-region-count", "list", redistributor_counts),
    Declared("sysmem", "link<memory-region>", lambda _machine: SYSTEM_MEMORY),
)


def gic_node(machine: VirtMachine) -> Node:
    """The `arm-gicv3` of a machine."""
    outs = LINES * machine.possible_count
    inputs = SPIS + PRIVATE * machine.possible_count
    gpios = (("gpio-out", "sysbus-irq", outs), ("gpio-in", "", inputs))
    node = sysbus_device(machine, GIC, GIC_PROPERTIES, gpios)
    outputs(node, "sysbus-irq", outs, partial(_output, machine))
    node.groups.append(lines("unnamed-gpio-in", inputs))
    return node


def _output(machine: VirtMachine, n: int) -> str:
    """Where output `n` leads: the lines of one kind stand together."""
    line, index = divmod(n, machine.possible_count)
    cpu = machine.slots[index].cpu
    return f"{cpu.path}/unnamed-gpio-in[{line}]" if cpu is not None else ""
