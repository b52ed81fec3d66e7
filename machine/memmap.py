"""The memory map and the interrupts of the `virt` board: the only place that knows addresses.

    0        128M        flash (not modelled)
    128M     GICD 64K    (8080000: ITS, not modelled)
             GICR 0x80a0000, 123 redistributors of 128 KiB
    144M     UART RTC fw_cfg ... PVPANIC 0x9060000  GED 0x9080000  CPUHP 0x90c0000
    1G       RAM
    256G+    GICR of CPUs 123 and up, behind the highest RAM

As QEMU's `virt` and the reference implementation have it.
"""

from __future__ import annotations

from typing import NamedTuple

REDISTRIBUTOR_SIZE = 0x2_0000


class Range(NamedTuple):
    """A stretch of guest-physical addresses, in bytes."""

    base: int
    size: int


GICD = Range(0x0800_0000, 0x1_0000)
GICR_LOW = Range(0x080A_0000, 0xF6_0000)
UART0 = Range(0x0900_0000, 0x1000)
RTC = Range(0x0901_0000, 0x1000)
PVPANIC = Range(0x0906_0000, 2)
GED = Range(0x0908_0000, 4)
CPUHP = Range(0x090C_0000, 12)
RAM_BASE = 0x4000_0000

HIGH_BASE = 256 << 30
"""Where regions begin that have no room below 4 GiB; RAM above moves them up."""
GICR_HIGH_SIZE = 64 << 20
"""Room for 512 redistributors; more of them make it the next power of two."""

SPI_BASE = 32
SPIS = 256
UART0_SPI = 1
RTC_SPI = 2
GED_SPI = 9

PPI_VIRTUAL_TIMER = 27
PPI_PHYSICAL_TIMER = 30
PPI_SECURE_TIMER = 29
PPI_HYPERVISOR_TIMER = 26
PPI_MAINTENANCE = 25
PPI_PMU = 23

LOW_REDISTRIBUTORS = GICR_LOW.size // REDISTRIBUTOR_SIZE
"""123: what the low region holds."""


def high_redistributors(ram_size: int, cpus: int = 0) -> Range:
    """The second redistributor region: aligned to its size, behind 256 GiB and behind the RAM.

    Args:
        ram_size: in bytes.
        cpus: number of possible CPUs; 123 of them have theirs in the low region.
    """
    needed = (cpus - LOW_REDISTRIBUTORS) * REDISTRIBUTOR_SIZE
    size = max(GICR_HIGH_SIZE, 1 << max(needed - 1, 0).bit_length())
    end = max(HIGH_BASE, RAM_BASE + ram_size)
    return Range(end + size - 1 & -size, size)
