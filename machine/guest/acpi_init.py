"""Devices that firmware initializes itself: _INI (ACPI 6.5 §6.5.1).

Linux: drivers/acpi/acpica/nsinit.c, before anything is enumerated. No _REG (§6.5.4) is run, for it
tells of address spaces that come and go, and this kernel knows only SystemMemory, which is always
there.
"""

from __future__ import annotations

from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING

from machine.guest import acpi_processor

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine.guest.kernel import Kernel
    from machine.guest.smp import Cpu


def initialize(kernel: Kernel, on: Cpu) -> None:
    """Run the _INI of each device that is there, parents first."""
    known: dict[str, int] = {}
    for path in kernel.acpi.initializers():
        device = path.rpartition(".")[0]
        if _to_be_initialized(device, partial(_status, kernel, on, known)):
            kernel.evaluate(on, path)


def _status(kernel: Kernel, on: Cpu, known: dict[str, int], path: str) -> int:
    """_STA, asked for once."""
    if path not in known:
        known[path] = acpi_processor.status(kernel, on, path)
    return known[path]


def _to_be_initialized(device: str, status: Callable[[str], int]) -> bool:
    """Present itself, and below nothing that is neither present nor functioning (§6.3.7)."""
    there = acpi_processor.STA_PRESENT | acpi_processor.STA_FUNCTIONING
    *above, own = accumulate(device.split("."), "{}.{}".format)
    return all(status(path) & there for path in above) and bool(
        status(own) & acpi_processor.STA_PRESENT
    )
