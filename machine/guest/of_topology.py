"""Which package, cluster, core and thread each CPU is, as the device tree tells.

Linux: drivers/base/arch_topology.c (parse_dt_topology);
Documentation/devicetree/bindings/cpu/cpu-topology.txt. Nodes of a level are numbered from 0 on, and
what lies behind a gap is not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.guest.acpi_pptt import CpuTopology, default_topology

if TYPE_CHECKING:
    from collections.abc import Iterator

    from machine.guest.of_fdt import Node
    from machine.guest.smp import Cpu

NONE = -1


def init_cpu_topology(cpus: list[Cpu], phandles: list[int], root: Node) -> None:
    """Give each CPU its place; all of them by default where the tree leaves one out.

    Args:
        cpus: the CPUs.
        phandles: those of their nodes, in the same order.
        root: the tree.
    """
    above = root.child("cpus")
    cpu_map = above.child("cpu-map") if above is not None else None
    places = dict(_sockets(cpu_map)) if cpu_map is not None else {}
    complete = all(phandle in places for phandle in phandles)
    for cpu, phandle in zip(cpus, phandles, strict=True):
        cpu.topology = places[phandle] if complete else default_topology(cpu)


def _numbered(node: Node, level: str) -> Iterator[tuple[int, Node]]:
    """The children of a level, in their order."""
    named = {child.name: child for child in node.children}
    for number in range(len(named)):
        child = named.get(f"{level}{number}")
        if child is None:
            return
        yield number, child


def _sockets(cpu_map: Node) -> Iterator[tuple[int, CpuTopology]]:
    """Phandles of CPUs with their places; a map without sockets is of one."""
    sockets = list(_numbered(cpu_map, "socket")) or [(0, cpu_map)]
    for package, socket in sockets:
        clusters = list(_numbered(socket, "cluster")) or [(NONE, socket)]
        for cluster, node in clusters:
            yield from _cores(node, package, cluster)


def _cores(node: Node, package: int, cluster: int) -> Iterator[tuple[int, CpuTopology]]:
    for core, core_node in _numbered(node, "core"):
        threads = list(_numbered(core_node, "thread")) or [(NONE, core_node)]
        for thread, leaf in threads:
            phandle = leaf.cell("cpu", 0)
            yield phandle, CpuTopology(package, cluster, core, thread)
