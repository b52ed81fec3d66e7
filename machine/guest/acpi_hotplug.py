"""Hot-plug of processors: what is done about a Notify, and reported (Linux: drivers/acpi/scan.c).

Each request ends in an _OST (ACPI 6.5 §6.3.5) that says what became of it, unless the guest's will
has it otherwise. A user's eject (`eject` of a device in sysfs) is such a request, too, but one that
is nobody's to refuse. A handling that comes late holds up what is queued behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from machine.guest import acpi_processor, cpuhp, timer, udev
from machine.guest.behaviour import ACCEPTED, OnlinePolicy
from machine.guest.latency import Latency

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from machine.guest.acpi_scan import AcpiScan
    from machine.guest.behaviour import Decision
    from machine.guest.kernel import Kernel
    from machine.guest.platform import Thread
    from machine.guest.smp import Cpu

NOTIFY_BUS_CHECK, NOTIFY_DEVICE_CHECK, NOTIFY_EJECT_REQUEST = 0, 1, 3
OST_EC_OSPM_EJECT = 0x103
"""The source of an eject that nobody but a user of the guest asked for (ACPI 6.5 §6.3.5.1)."""
CHECKS = frozenset({NOTIFY_BUS_CHECK, NOTIFY_DEVICE_CHECK})
EJECTS = frozenset({NOTIFY_EJECT_REQUEST, OST_EC_OSPM_EJECT})
EVENTS = {NOTIFY_DEVICE_CHECK: "device-check", NOTIFY_EJECT_REQUEST: "eject-request"}
"""What firmware asks for, and so is for the guest's will to decide."""

OST_SUCCESS, OST_NON_SPECIFIC_FAILURE, OST_UNRECOGNIZED_NOTIFY = 0, 1, 2
OST_EJECT_NOT_SUPPORTED, OST_DEVICE_IN_USE, OST_DEVICE_BUSY = 0x80, 0x81, 0x82
OST_EJECT_DEPENDENCY_BUSY, OST_EJECT_IN_PROGRESS = 0x83, 0x84
OST_DRIVER_LOAD_FAILURE, OST_INSERT_NOT_SUPPORTED = 0x81, 0x82

_OST_OF_ERRNO = {
    0: OST_SUCCESS,
    -cpuhp.EPERM: OST_EJECT_NOT_SUPPORTED,
    -cpuhp.EBUSY: OST_DEVICE_BUSY,
}
ENODEV = 19

IGNORE = "ignore"
NO_REPORT, NO_ONLINE = "no-report", "no-online"
INSERT_FAILURES: Mapping[str, int] = {
    "fail": OST_NON_SPECIFIC_FAILURE,
    "driver-failure": OST_DRIVER_LOAD_FAILURE,
    "not-supported": OST_INSERT_NOT_SUPPORTED,
}
"""Outcomes in which a CPU is not registered, and what is reported then."""


class Refusal(NamedTuple):
    """How an eject is refused."""

    status: int
    line: str = ""
    """What the console says of the CPU; Linux itself has no line for the others."""


OFFLINE_FAILED = Refusal(OST_DEVICE_BUSY, "Offline failed.")
EJECT_REFUSALS: Mapping[str, Refusal] = {
    "fail": Refusal(OST_NON_SPECIFIC_FAILURE),
    "not-supported": Refusal(OST_EJECT_NOT_SUPPORTED, "Offline disabled."),
    "in-use": Refusal(OST_DEVICE_IN_USE),
    "busy": OFFLINE_FAILED,
    "dependency": Refusal(OST_EJECT_DEPENDENCY_BUSY),
}
"""Outcomes in which a CPU stays."""


class AcpiHotplug:
    """Handles one processor's notifications after the other."""

    def __init__(self, kernel: Kernel, scan: AcpiScan) -> None:
        self._kernel = kernel
        self._scan = scan
        self.enabled = True
        """What /sys/firmware/acpi/hotplug/processor/enabled says."""

    def handle(self, path: str, source: int, cpu: Cpu) -> Generator[None, None, int]:
        """Handle a hot-plug event on a CPU, and report it; 0, or a negative errno."""
        if source in CHECKS:
            return (yield from self._device_check(path, source, cpu))
        if source in EJECTS:
            return (yield from self._eject(path, source, cpu))
        self._evaluate_ost(path, source, OST_UNRECOGNIZED_NOTIFY, cpu)
        return 0

    def _decide(self, path: str, source: int, cpu: Cpu) -> Decision:
        """Ask, once for each request, what is to come of it."""
        target = acpi_processor.find_cpu(self._kernel, cpu, path)
        event = EVENTS.get(source)
        if target is None or event is None:
            return ACCEPTED
        return self._kernel.will.decide(event, target.mpidr)

    # A CPU has come

    def _device_check(self, path: str, source: int, cpu: Cpu) -> Generator[None, None, int]:
        decision = self._decide(path, source, cpu)
        if decision.outcome == IGNORE:
            return 0
        takes = self._kernel.takes(Latency.DEVICE_CHECK)
        yield from timer.sleep(cpu, decision.delay + takes)
        status = INSERT_FAILURES.get(decision.outcome)
        if status is not None:
            self._evaluate_ost(path, source, status, cpu)
            return -cpuhp.EIO
        if not self._scan.attach(path, cpu):
            self._report(path, source, -ENODEV, cpu)
            return -ENODEV
        yield from self._attached(path, source, decision.outcome, cpu)
        return 0

    def _attached(self, path: str, source: int, outcome: str, cpu: Cpu) -> Thread:
        """Report a CPU that is registered, and see that it comes online."""
        target = acpi_processor.find_cpu(self._kernel, cpu, path)
        behaviour = self._kernel.will.behaviour
        onlined = target if outcome != NO_ONLINE else None
        if onlined is not None and behaviour.online is OnlinePolicy.KERNEL:
            yield from cpuhp.cpu_up(self._kernel, cpu, onlined)
        if outcome != NO_REPORT:
            self._report(path, source, 0, cpu)
        if onlined is not None:
            yield from udev.uevent(self._kernel, cpu, onlined)

    # A CPU is asked for

    def _eject(self, path: str, source: int, cpu: Cpu) -> Generator[None, None, int]:
        """Give a device back, if that is not switched off."""
        decision = self._decide(path, source, cpu)
        if decision.outcome == IGNORE:
            return 0
        takes = self._kernel.takes(Latency.EJECT_REQUEST)
        yield from timer.sleep(cpu, decision.delay + takes)
        if not self.enabled:
            self._kernel.printk(cpu.hardware, f"ACPI: {path}: Eject disabled")
            self._report(path, source, -cpuhp.EPERM, cpu)
            return -cpuhp.EPERM
        self._evaluate_ost(path, NOTIFY_EJECT_REQUEST, OST_EJECT_IN_PROGRESS, cpu)
        refusal = EJECT_REFUSALS.get(decision.outcome)
        if refusal is not None:
            return (yield from self._refuse(path, source, refusal, cpu))
        error = yield from self._hot_remove(path, cpu)
        yield from self._kernel.spend(cpu, Latency.REFUSE if error else Latency.REMOVE)
        self._report(path, source, error, cpu)
        return error

    def _refuse(
        self, path: str, source: int, refusal: Refusal, cpu: Cpu
    ) -> Generator[None, None, int]:
        self._say(path, refusal, cpu)
        yield from self._kernel.spend(cpu, Latency.REFUSE)
        self._evaluate_ost(path, source, refusal.status, cpu)
        return -cpuhp.EBUSY

    def _hot_remove(self, path: str, cpu: Cpu) -> Generator[None, None, int]:
        """Offline, eject, look whether it is gone."""
        target = acpi_processor.find_cpu(self._kernel, cpu, path)
        if target is None or not self._scan.may_be_there(path, cpu):
            return -ENODEV
        if (yield from cpuhp.cpu_down(self._kernel, cpu, target)):
            self._say(path, OFFLINE_FAILED, cpu)
            return -cpuhp.EBUSY
        if not self._kernel.acpi.exists(path + "._EJ0"):
            return -ENODEV
        yield from self._kernel.spend(cpu, Latency.EJECT)
        self._kernel.evaluate(cpu, path + "._EJ0", 1)
        sta = acpi_processor.status(self._kernel, cpu, path)
        if sta & acpi_processor.STA_ENABLED:
            self._kernel.printk(cpu.hardware, f"ACPI: {path}: Eject incomplete - status {sta:#x}")
            return -cpuhp.EIO
        self._scan.detach(path, cpu)
        return 0

    # What is said about it

    def _say(self, path: str, refusal: Refusal, cpu: Cpu) -> None:
        target = acpi_processor.find_cpu(self._kernel, cpu, path)
        if target is not None and refusal.line:
            self._kernel.printk(cpu.hardware, f"processor cpu{target.id}: {refusal.line}")

    def _report(self, path: str, source: int, error: int, cpu: Cpu) -> None:
        status = _OST_OF_ERRNO.get(error, OST_NON_SPECIFIC_FAILURE)
        self._evaluate_ost(path, source, status, cpu)

    def _evaluate_ost(self, path: str, source: int, status: int, cpu: Cpu) -> None:
        """Report to firmware, where it wants to know."""
        if self._kernel.acpi.exists(path + "._OST"):
            self._kernel.evaluate(cpu, path + "._OST", source, status, bytearray())
