"""MADT (ACPI 6.5 §5.2.12): the distributor, every possible CPU, the redistributor regions.

All possible CPUs are listed, whatever is plugged, and the table never changes (the talk's T24).
The flags are the reference's: the boot CPU is enabled, every other one online-capable.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from machine.acpi import aml

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from machine.memmap import Range

REVISION = 4
ENABLED, ONLINE_CAPABLE = 1, 8
GIC_V3 = 3

_GICC = struct.Struct("<BBHIIIIIQQQQIQQBBH")
_GICD = struct.Struct("<BBHIQIB3x")
_GICR = struct.Struct("<BBHQI")


def madt(
    distributor: int,
    affinities: Sequence[int],
    redistributors: Iterable[Range],
    *,
    pmu_interrupt: int,
    hotplug: bool = True,
) -> bytes:
    """Build it.

    Args:
        distributor: guest-physical address of GICD.
        affinities: MPIDR affinity of each possible CPU; its place is its UID.
        redistributors: the regions.
        pmu_interrupt: PPI of the performance monitors.
        hotplug: whether CPUs can come and go; where not, all are enabled.
    """
    structures = [_GICD.pack(0x0C, _GICD.size, 0, 0, distributor, 0, GIC_V3)]
    for uid, affinity in enumerate(affinities):
        flags = ONLINE_CAPABLE if uid and hotplug else ENABLED
        structures.append(_gicc(uid, flags, pmu_interrupt, affinity))
    structures += [_GICR.pack(0x0E, _GICR.size, 0, at.base, at.size) for at in redistributors]
    return aml.table("APIC", REVISION, bytes(8) + b"".join(structures))


def _gicc(uid: int, flags: int, pmu_interrupt: int, affinity: int) -> bytes:
    """GIC CPU interface structure, 80 bytes (§5.2.12.14); the GICR address is in the regions."""
    parking = gicc = gicv = gich = maintenance = gicr = 0
    return _GICC.pack(
        0x0B, _GICC.size, 0, uid, uid, flags, parking, pmu_interrupt, parking,
        gicc, gicv, gich, maintenance, gicr, affinity, 0, 0, 0,
    )  # fmt: skip
