"""ACPI's tables of the board, the same for every plug state.

What is the same for two machines of one process is built once for both: tables depend on the
possible CPUs and on where the redistributors lie, and on nothing that ever changes.
"""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from machine import memmap
from machine.acpi.dsdt import dsdt
from machine.acpi.gtdt import gtdt
from machine.acpi.madt import madt

if TYPE_CHECKING:
    from collections.abc import Mapping

SHAPES = 8
"""How many different boards' tables are kept: 90 KB each with 512 CPUs."""


@lru_cache(maxsize=SHAPES)
def acpi_tables(
    affinities: tuple[int, ...],
    redistributors: tuple[memmap.Range, ...],
    *,
    hotplug: bool,
) -> Mapping[str, bytes]:
    """Build DSDT, MADT and GTDT, by signature; FADT and XSDT need addresses, and come later.

    Args:
        affinities: MPIDR affinity of each possible CPU.
        redistributors: the regions.
        hotplug: whether CPUs can come and go.
    """
    return MappingProxyType(
        {
            "DSDT": dsdt(len(affinities)),
            "APIC": madt(
                memmap.GICD.base,
                affinities,
                redistributors,
                pmu_interrupt=memmap.PPI_PMU,
                hotplug=hotplug,
            ),
            "GTDT": gtdt(
                secure=memmap.PPI_SECURE_TIMER,
                physical=memmap.PPI_PHYSICAL_TIMER,
                virtual=memmap.PPI_VIRTUAL_TIMER,
                hypervisor=memmap.PPI_HYPERVISOR_TIMER,
            ),
        },
    )
