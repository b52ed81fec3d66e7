"""The Generic Event Device driver (Linux: drivers/acpi/evged.c; ACPI 6.5 §5.6.9).

Every interrupt that its _CRS names is requested; its threaded handler runs _EVT with the
interrupt's number. What the method then does is the firmware's business. An interrupt that comes
before the handler has got to it is handled with the one before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.guest.latency import Latency

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
        kernel.gic.handle(gsi, Handler(kernel, path, gsi).take)
        if flags & EDGE:
            kernel.gic.request_edge_spi(boot.hardware, gsi)


class Handler:
    """What handles one interrupt."""

    def __init__(self, kernel: Kernel, path: str, gsi: int) -> None:
        self._kernel = kernel
        self._path = path
        self._gsi = gsi
        self._woken = False

    def take(self, platform: Platform) -> None:
        """The hard handler: leave the work to a thread on the CPU that took the interrupt."""
        if not self._woken:
            self._woken = True
            cpu = self._kernel.cpu_of(platform)
            cpu.tasks.append(self._thread(cpu))

    def _thread(self, cpu: Cpu) -> Thread:
        """The threaded handler: evaluate _EVT."""
        yield from self._kernel.spend(cpu, Latency.GED)
        self._woken = False
        self._kernel.evaluate(cpu, self._path + "._EVT", self._gsi)
        yield from self._kernel.acpi_host.rest(cpu)


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
