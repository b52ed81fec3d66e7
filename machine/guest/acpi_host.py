"""What the AML interpreter asks of its operating system (Linux: drivers/acpi/osl.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from machine.guest.kernel import Kernel
    from machine.guest.smp import Cpu


class AcpiHost:
    """Memory by way of the CPU that evaluates, notifications to the hot-plug queue."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.cpu: Cpu | None = None

    @property
    def _running(self) -> Cpu:
        return self.cpu or self._kernel.boot_cpu

    def load(self, address: int, size: int) -> int:
        """A SystemMemory region is read."""
        return self._running.hardware.load(address, size)

    def store(self, address: int, size: int, value: int) -> None:
        """A SystemMemory region is written."""
        self._running.hardware.store(address, size, value)

    def notify(self, path: str, value: int) -> None:
        """Notify was executed: its handling runs on the same CPU, later."""
        if self._kernel.observer is not None:
            self._kernel.observer.traced("acpi_ev_queue_notify_request", path=path, value=value)
        self._kernel.scan.notify(path, value, self._running)

    def stall(self, nanoseconds: int) -> None:
        """Stall or Sleep: the modelled CPU loses no time."""

    def debug(self, text: str) -> None:
        """A Store to Debug; the kernel's log has it only where it is asked for."""
