"""DSDT (ACPI 6.5 §5.2.11.1): the devices of the board that only AML can describe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.acpi import aml, cpu_hotplug_aml, ged, pvpanic, uart
from machine.memmap import CPUHP, GED, GED_SPI, PVPANIC, SPI_BASE, UART0, UART0_SPI

if TYPE_CHECKING:
    from collections.abc import Sequence

REVISION = 2


def dsdt(cpus: int, nodes: Sequence[int] = (), *, panic_device: bool = False) -> bytes:
    """Build it for a number of possible CPUs, and their NUMA nodes if there are any."""
    devices = [
        ged.describe(GED.base, GED.size, SPI_BASE + GED_SPI),
        cpu_hotplug_aml.describe(CPUHP.base, CPUHP.size, cpus, ged.PATH, nodes),
        uart.describe(UART0.base, UART0.size, SPI_BASE + UART0_SPI),
        ged.describe_power_button(),
    ]
    if panic_device:
        devices.append(pvpanic.describe(PVPANIC.base, PVPANIC.size))
    return aml.definition_block("DSDT", REVISION, aml.scope("\\_SB", *devices))
