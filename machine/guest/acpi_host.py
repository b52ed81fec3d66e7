"""What the AML interpreter asks of its operating system (Linux: drivers/acpi/osl.c)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from machine.guest import acpi_tables, timer

if TYPE_CHECKING:
    from machine.guest.aml.host import TableAt
    from machine.guest.kernel import Kernel
    from machine.guest.platform import Thread
    from machine.guest.smp import Cpu


class AcpiHost:
    """Memory by way of the CPU that evaluates, notifications to the hot-plug queue.

    It is the interpreter's watcher, too, where the kernel's observer wants to know of methods.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.cpu: Cpu | None = None
        self.rsdp = 0
        self._owed: dict[Cpu, int] = {}

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
        """Notify was executed: its handling runs on the same CPU, later.

        That is after what the method has stalled and slept before.
        """
        if self._kernel.observer is not None:
            self._kernel.observer.traced("acpi_ev_queue_notify_request", path=path, value=value)
        cpu = self._running
        if owed := self._owed.get(cpu, 0):
            timer.start(cpu, owed, partial(self._kernel.scan.notify, path, value))
        else:
            self._kernel.scan.notify(path, value, cpu)

    def entered(self, path: str) -> None:
        """A method begins; told only while somebody watches."""
        if self._kernel.observer is not None:
            self._kernel.observer.method(path, self._running.id, begins=True)

    def left(self, path: str) -> None:
        """A method ends."""
        if self._kernel.observer is not None:
            self._kernel.observer.method(path, self._running.id, begins=False)

    def stall(self, nanoseconds: int) -> None:
        """Stall or Sleep: the CPU owes the time, and lets it pass when the evaluation is over."""
        cpu = self._running
        self._owed[cpu] = self._owed.get(cpu, 0) + nanoseconds

    def rest(self, cpu: Cpu) -> Thread:
        """Let the time pass that what was evaluated on a CPU has stalled and slept."""
        yield from timer.sleep(cpu, self._owed.pop(cpu, 0))

    def now(self) -> int:
        """The virtual counter, and what is owed."""
        cpu = self._running
        return timer.now(cpu.hardware) + self._owed.get(cpu, 0)

    def find_table(self, signature: str, oem_id: str, oem_table_id: str) -> TableAt | None:
        """Search the XSDT."""
        return acpi_tables.find(
            self._running.hardware, self.rsdp, (signature, oem_id, oem_table_id)
        )

    def debug(self, text: str) -> None:
        """A Store to Debug; the kernel's log has it only where it is asked for."""
