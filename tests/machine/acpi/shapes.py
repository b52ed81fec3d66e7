"""Boards of many shapes, and their tables: those of a machine, and of one that would be too large.

The tables are the same that `machine.virt` publishes: `test_tables.py` asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from machine import memmap
from machine.firmware.loader import acpi_region
from machine.firmware.tables import acpi_tables
from machine.numa import Numa
from machine.topology import Topology, mpidr_affinity

if TYPE_CHECKING:
    from collections.abc import Mapping

GIB = 1 << 30
HALF = GIB // 2
TWO_NODES = Numa((HALF, HALF), (0, 0, 0, 1, 1, 1))
FAR = Numa((HALF, HALF), (0, 0, 1, 1), ((10, 20), (20, 10)))


class Shape(NamedTuple):
    """What tables depend on."""

    topology: Topology
    numa: Numa | None = None
    hotplug: bool = True
    pvpanic: bool = False

    @property
    def cpus(self) -> int:
        """Number of possible CPUs."""
        return self.topology.max_cpus if self.hotplug else self.topology.cpus

    def tables(self) -> Mapping[str, bytes]:
        """Every table, with 1 GiB of RAM."""
        regions = [memmap.GICR_LOW]
        if self.cpus > memmap.LOW_REDISTRIBUTORS:
            regions.append(memmap.high_redistributors(GIB))
        affinities = tuple(mpidr_affinity(cpu) for cpu in range(self.cpus))
        tables = acpi_tables(
            self.topology,
            affinities,
            tuple(regions),
            self.numa,
            hotplug=self.hotplug,
            pvpanic=self.pvpanic,
        )
        return acpi_region(memmap.RAM_BASE + GIB, tables).tables


REFERENCES = {
    "flat": Shape(Topology(2, 1, 1, 6, 1, clusters_named=True)),
    "topo": Shape(Topology(4, 2, 2, 2, 2, clusters_named=True)),
    "numa": Shape(Topology(2, 2, 1, 3, 1, clusters_named=True), TWO_NODES),
}
"""The machines of `tests/data/acpi`."""

SHAPES = REFERENCES | {
    "one": Shape(Topology(1, 1, 1, 1, 1)),
    "two": Shape(Topology(1, 1, 1, 2, 1)),
    "threads": Shape(Topology(2, 2, 1, 4, 2)),
    "sixty-four": Shape(Topology(4, 4, 1, 16, 1)),
    "far": Shape(Topology(2, 2, 1, 2, 1), FAR),
    "fixed": Shape(Topology(3, 2, 1, 4, 1), hotplug=False),
    "panic device": Shape(Topology(1, 1, 1, 2, 1), pvpanic=True),
    "most": Shape(Topology(1, 1, 1, 512, 1)),
    "too many": Shape(Topology(1, 4, 4, 128, 2)),
}
NUMA_SHAPES = {name: shape for name, shape in SHAPES.items() if shape.numa is not None}
