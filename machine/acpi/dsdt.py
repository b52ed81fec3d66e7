"""DSDT (ACPI 6.5 §5.2.11.1): the devices of the board that only AML can describe."""

from __future__ import annotations

from machine.acpi import aml, cpu_hotplug_aml, ged
from machine.memmap import CPUHP, GED, GED_SPI, SPI_BASE

REVISION = 2


def dsdt(cpus: int) -> bytes:
    """Build it for a number of possible CPUs."""
    devices = [
        ged.describe(GED.base, GED.size, SPI_BASE + GED_SPI),
        cpu_hotplug_aml.describe(CPUHP.base, CPUHP.size, cpus, ged.PATH),
        ged.describe_power_button(),
    ]
    return aml.definition_block("DSDT", REVISION, aml.scope("\\_SB", *devices))
