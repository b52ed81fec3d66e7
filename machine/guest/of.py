"""What the drivers read from the device tree, where there is no ACPI.

Linux: arch/arm64/kernel/smp.c (of_parse_and_init_cpus), drivers/irqchip/irq-gic-v3.c (gic_of_init),
drivers/clocksource/arm_arch_timer.c, drivers/firmware/psci (psci_dt_init), drivers/of/fdt.c
(early_init_dt_scan_chosen_stdout); the bindings are in Documentation/devicetree/bindings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from machine.guest.firmware import FirmwareError

if TYPE_CHECKING:
    from machine.guest.of_fdt import Node

SPI, PPI = 0, 1
FIRST_INTID = {SPI: 32, PPI: 16}
SPECIFIER_CELLS = 3
VIRTUAL_TIMER = 2
"""The place of the virtual timer in the timer's `interrupts`."""

AFFINITY_MASK = 0xFF_00FF_FFFF
STDOUT = ("stdout-path", "linux,stdout-path")
"""What /chosen may call the console, the first one first."""
STUB_CHILDREN = frozenset({"chosen", "hypervisor"})


class CpuNode(NamedTuple):
    """A CPU of the tree.

    Attributes:
        path: of its node.
        mpidr: its affinity.
        enable_method: how it is brought up; empty where the tree does not say.
        phandle: what the topology calls it by.
        node: its NUMA node, None where it has none.
    """

    path: str
    mpidr: int
    enable_method: str
    phandle: int
    node: int | None


class Stdout(NamedTuple):
    """The console that firmware names.

    Attributes:
        address: of its registers, guest-physical.
        interrupt: its INTID; None where the tree does not tell of one.
        options: as `115200n8`, most often empty.
    """

    address: int
    interrupt: int | None
    options: str


class Gic(NamedTuple):
    """Where the interrupt controller's frames are: addresses, and regions with their length."""

    distributor: int
    redistributors: list[tuple[int, int]]


def is_stub(root: Node) -> bool:
    """Whether the tree says nothing but /chosen: ACPI has the rest (arch/arm64/kernel/acpi.c)."""
    return all(node.name in STUB_CHILDREN for node in root.children)


def model(root: Node) -> str:
    """What the machine is called."""
    return root.string("model") or root.string("compatible")


def cpus(root: Node) -> list[CpuNode]:
    """The CPUs, in the tree's order.

    Raises:
        FirmwareError: there are none.
    """
    above = root.child("cpus")
    nodes = above.children if above is not None else []
    found = [_cpu(node) for node in nodes if node.string("device_type") == "cpu" and node.reg()]
    if not found:
        raise FirmwareError("no CPUs in the device tree")
    return found


def _cpu(node: Node) -> CpuNode:
    address, _ = node.reg()[0]
    return CpuNode(
        path=str(node),
        mpidr=address & AFFINITY_MASK,
        enable_method=node.string("enable-method"),
        phandle=node.cell("phandle", 0),
        node=next(iter(node.cells("numa-node-id")), None),
    )


def gic_v3(root: Node) -> Gic:
    """The interrupt controller: the distributor's frame, then the redistributor regions.

    Raises:
        FirmwareError: there is no GICv3.
    """
    node = root.compatible("arm,gic-v3")
    if node is None or not node.reg():
        raise FirmwareError("no interrupt controller in the device tree")
    (distributor, _), *others = node.reg()
    return Gic(distributor, others[: node.cell("#redistributor-regions", 1)])


def virtual_timer_interrupt(root: Node) -> int:
    """The PPI of the virtual timer.

    Raises:
        FirmwareError: there is no timer, or not this one of it.
    """
    node = root.compatible("arm,armv8-timer")
    interrupt = _interrupt(node, VIRTUAL_TIMER) if node is not None else None
    if interrupt is None:
        raise FirmwareError("no timer in the device tree")
    return interrupt


def _interrupt(node: Node, n: int) -> int | None:
    """A device's n-th interrupt as the GIC numbers it; None where there is none."""
    specifier = node.cells("interrupts")[n * SPECIFIER_CELLS :][:SPECIFIER_CELLS]
    if len(specifier) < SPECIFIER_CELLS or specifier[0] not in FIRST_INTID:
        return None
    return FIRST_INTID[specifier[0]] + specifier[1]


def stdout(root: Node) -> Stdout | None:
    """The console; None where there is none, or no PL011, which is all we can drive."""
    chosen = root.child("chosen")
    names = (chosen.string(name) for name in STDOUT) if chosen is not None else iter(())
    path, _, options = next(filter(None, names), "").partition(":")
    node = root.find(path)
    if node is None or "arm,pl011" not in node.strings("compatible") or not node.reg():
        return None
    (address, _), *_ = node.reg()
    return Stdout(address, _interrupt(node, 0), options)


def psci_method(root: Node) -> str | None:
    """How PSCI is called, "hvc" or "smc"; None where there is none."""
    node = root.compatible("arm,psci-1.0", "arm,psci-0.2")
    return node.string("method") if node is not None else None
