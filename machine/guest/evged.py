"""The Generic Event Device driver (Linux: drivers/acpi/evged.c; ACPI 6.5 §5.6.9).

Every interrupt that its _CRS names is requested; its threaded handler runs _EVT with the
interrupt's number. What the method then does is the firmware's business.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from machine.guest.kernel import Kernel
    from machine.guest.platform import Platform, Thread
    from machine.guest.smp import Cpu

GED_HID = "ACPI0013"
EXTENDED_INTERRUPT = 0x89
EDGE = 2


def probe(kernel: Kernel, path: str) -> None:
    """Request the interrupts of one GED."""
    boot = kernel.boot_cpu
    crs = kernel.evaluate(boot, path + "._CRS")
    if not isinstance(crs, bytes | bytearray):
        return
    for gsi, flags in _interrupts(bytes(crs)):
        kernel.gic.handle(gsi, partial(_take, kernel, path, gsi))
        if flags & EDGE:
            kernel.gic.request_edge_spi(boot.hardware, gsi)


def _take(kernel: Kernel, path: str, gsi: int, platform: Platform) -> None:
    """The hard handler: leave the work to a thread on the CPU that took the interrupt."""
    cpu = kernel.cpu_of(platform)
    cpu.tasks.append(_thread(kernel, path, gsi, cpu))


def _thread(kernel: Kernel, path: str, gsi: int, cpu: Cpu) -> Thread:
    """The threaded handler: evaluate _EVT."""
    kernel.evaluate(cpu, path + "._EVT", gsi)
    yield from kernel.acpi_host.rest(cpu)


def _interrupts(crs: bytes) -> Iterator[tuple[int, int]]:
    """Extended interrupt descriptors (ACPI 6.5 §6.4.3.6): each number, with its flags."""
    at = 0
    while at + 3 <= len(crs):
        large = crs[at] & 0x80
        length = 3 + int.from_bytes(crs[at + 1 : at + 3], "little") if large else 1 + (crs[at] & 7)
        body = crs[at : at + length]
        if body[0] == EXTENDED_INTERRUPT and len(body) >= 5:
            numbers = body[5 : 5 + 4 * body[4]]
            for n in range(0, len(numbers) - 3, 4):
                yield int.from_bytes(numbers[n : n + 4], "little"), body[3]
        at += length
