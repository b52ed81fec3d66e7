"""ACPI's tables of the board, the same for every plug state.

What is the same for two machines of one process is built once for both: tables depend on the
possible CPUs, their nodes, and where the redistributors lie, and on nothing that ever changes.
"""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from machine import memmap
from machine.acpi import uart
from machine.acpi.dbg2 import dbg2
from machine.acpi.dsdt import dsdt
from machine.acpi.gtdt import gtdt
from machine.acpi.madt import madt
from machine.acpi.pptt import pptt
from machine.acpi.slit import slit
from machine.acpi.spcr import spcr
from machine.acpi.srat import srat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from machine.numa import Numa
    from machine.topology import Topology

NO_INTERRUPT = 0
"""A GSIV of the MADT that stands for none (ACPI 6.5 §5.2.12.14)."""

SHAPES = 8
"""How many different boards' tables are kept: 110 KB each with 512 CPUs, 1 MB with 4096."""


@lru_cache(maxsize=SHAPES)
def acpi_tables(  # noqa: PLR0913 - all that makes one board differ from another
    topology: Topology,
    affinities: tuple[int, ...],
    redistributors: tuple[memmap.Range, ...],
    numa: Numa | None = None,
    *,
    hotplug: bool,
    pmu: bool = True,
    pvpanic: bool = False,
) -> Mapping[str, bytes]:
    """Build the tables by signature, in the XSDT's order; FADT and XSDT need addresses first.

    Args:
        topology: where each possible CPU sits.
        affinities: MPIDR affinity of each possible CPU.
        redistributors: the regions.
        numa: the nodes, if there are any.
        hotplug: whether CPUs can come and go.
        pmu: whether CPUs have performance monitors.
        pvpanic: whether there is a panic device.
    """
    nodes = numa.cpus[: len(affinities)] if numa is not None else ()
    tables = {
        "DSDT": dsdt(len(affinities), nodes, panic_device=pvpanic),
        "APIC": madt(
            memmap.GICD.base,
            affinities,
            redistributors,
            pmu_interrupt=memmap.PPI_PMU if pmu else NO_INTERRUPT,
            hotplug=hotplug,
        ),
        "PPTT": pptt(topology, len(affinities)),
        "GTDT": gtdt(
            secure=memmap.PPI_SECURE_TIMER,
            physical=memmap.PPI_PHYSICAL_TIMER,
            virtual=memmap.PPI_VIRTUAL_TIMER,
            hypervisor=memmap.PPI_HYPERVISOR_TIMER,
        ),
        "SPCR": spcr(memmap.UART0.base, memmap.SPI_BASE + memmap.UART0_SPI),
        "DBG2": dbg2(memmap.UART0.base, memmap.UART0.size, uart.NAME),
    }
    if numa is not None:
        tables["SRAT"] = srat(nodes, memmap.RAM_BASE, numa.memory)
        if numa.distances:
            tables["SLIT"] = slit(numa.distances)
    return MappingProxyType(tables)
