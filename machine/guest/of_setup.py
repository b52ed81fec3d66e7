"""Booting by the device tree: what ACPI's tables say otherwise.

Linux: arch/arm64/kernel/setup.c and smp.c (of_parse_and_init_cpus), drivers/firmware/psci
(psci_dt_init), drivers/tty/serial/earlycon.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.guest import of, of_numa, of_topology
from machine.guest.amba_pl011 import Pl011
from machine.guest.irq_gic_v3 import GicV3

if TYPE_CHECKING:
    from collections.abc import Iterator

    from machine.guest.kernel import Kernel
    from machine.guest.of_fdt import Node
    from machine.guest.platform import Platform


def setup(kernel: Kernel, platform: Platform, tree: Node) -> None:
    """Find interrupt controller, timer, firmware and CPUs, from the boot CPU.

    Raises:
        FirmwareError: the tree lacks something that a kernel needs.
    """
    kernel.printk(platform, f"Machine model: {of.model(tree)}")
    _start_console(kernel, platform, tree)
    kernel.gic = GicV3(*of.gic_v3(tree))
    kernel.timer_interrupt = of.virtual_timer_interrupt(tree)
    psci = _probe_psci(kernel, platform, tree)
    nodes = list(_usable(kernel, platform, of.cpus(tree), psci=psci))
    kernel.number_cpus((number, node.mpidr) for number, node in enumerate(nodes))
    _place_cpus(kernel, platform, tree, nodes)


def _start_console(kernel: Kernel, platform: Platform, tree: Node) -> None:
    """Print the log to what /chosen names, as with `earlycon` on Linux's command line."""
    stdout = of.stdout(tree)
    if stdout is not None:
        options = f"(options '{stdout.options}')"
        kernel.printk(platform, f"earlycon: pl11 at MMIO {stdout.address:#018x} {options}")
        kernel.start_console(Pl011(stdout.address, stdout.interrupt))


def _place_cpus(kernel: Kernel, platform: Platform, tree: Node, nodes: list[of.CpuNode]) -> None:
    """Find NUMA nodes and topology, and give each CPU its own."""
    of_node = {number: node.node for number, node in enumerate(nodes) if node.node is not None}
    kernel.numa = of_numa.init(tree, of_node, lambda text: kernel.printk(platform, text))
    for cpu in kernel.cpus:
        cpu.node = kernel.numa.node_of_cpu(cpu.uid)
    phandles = [nodes[cpu.uid].phandle for cpu in kernel.cpus]
    of_topology.init_cpu_topology(kernel.cpus, phandles, tree)


def _probe_psci(kernel: Kernel, platform: Platform, tree: Node) -> bool:
    """Whether there is firmware that this kernel can call."""
    method = of.psci_method(tree)
    if method is None:
        return False
    kernel.printk(platform, "psci: probing for conduit method from DT.")
    if method != "hvc":
        kernel.printk(platform, f'psci: invalid "method" property: {method}')
        return False
    kernel.probe_psci()
    return True


def _usable(
    kernel: Kernel, platform: Platform, nodes: list[of.CpuNode], *, psci: bool
) -> Iterator[of.CpuNode]:
    """The boot CPU, and those that can be brought up."""
    here = platform.mrs("MPIDR_EL1") & of.AFFINITY_MASK
    for number, node in enumerate(nodes):
        problem = None if node.mpidr == here else _problem(node, number, psci=psci)
        if problem is None:
            yield node
        else:
            kernel.printk(platform, problem)


def _problem(node: of.CpuNode, number: int, *, psci: bool) -> str | None:
    """Why a secondary CPU can't be brought up, if it can't."""
    if not node.enable_method:
        return f"{node.path}: missing enable-method property"
    if node.enable_method != "psci":
        return f"Unsupported enable-method {node.enable_method}"
    return None if psci else f"no cpu_on method, not booting CPU{number}"
