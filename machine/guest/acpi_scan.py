"""Enumeration and hot-plug of ACPI devices (Linux: drivers/acpi/scan.c, device_sysfs.c, osl.c).

A Notify is queued, and handled one after the other by a kernel thread; every request ends in an
_OST (ACPI 6.5 §6.3.5) that says what became of it.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from machine.guest import acpi_processor, cpuhp

if TYPE_CHECKING:
    from collections.abc import Generator

    from machine.guest.kernel import Kernel
    from machine.guest.platform import Thread
    from machine.guest.smp import Cpu

NOTIFY_BUS_CHECK, NOTIFY_DEVICE_CHECK, NOTIFY_EJECT_REQUEST = 0, 1, 3
NOTIFY_BUTTON_PRESSED = 0x80
POWER_BUTTON_HID = "PNP0C0C"

OST_SUCCESS, OST_NON_SPECIFIC_FAILURE, OST_UNRECOGNIZED_NOTIFY = 0, 1, 2
OST_EJECT_NOT_SUPPORTED, OST_DEVICE_BUSY, OST_EJECT_IN_PROGRESS = 0x80, 0x82, 0x84

_OST_OF_ERRNO = {
    0: OST_SUCCESS,
    -cpuhp.EPERM: OST_EJECT_NOT_SUPPORTED,
    -cpuhp.EBUSY: OST_DEVICE_BUSY,
}
ENODEV = 19


class AcpiScan:
    """The devices of the namespace, and the queue of what was notified to them."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._queue: deque[tuple[str, int]] = deque()
        self._busy = False
        self._hids: dict[str, str] = {}
        self._attached: set[str] = set()

    def enumerate(self, on: Cpu) -> None:
        """Walk the namespace at boot, and register the processors that there are."""
        for path in list(self._kernel.acpi.devices()):
            hid = self._hid(path, on)
            if hid is not None:
                self._hids[path] = hid
        for path in self.with_hid(acpi_processor.PROCESSOR_HID):
            self._attach(path, on)

    def with_hid(self, hid: str) -> list[str]:
        """The devices with this hardware id, in the order of the namespace."""
        return [path for path, found in self._hids.items() if found == hid]

    def notify(self, path: str, value: int, cpu: Cpu) -> None:
        """Queue a notification; `cpu` runs the thread that handles the queue."""
        self._queue.append((path, value))
        if not self._busy:
            self._busy = True
            cpu.tasks.append(self._work(cpu))

    def _work(self, cpu: Cpu) -> Thread:
        while self._queue:
            path, value = self._queue.popleft()
            yield from self._handle(path, value, cpu)
        self._busy = False

    def _handle(self, path: str, value: int, cpu: Cpu) -> Thread:
        hid = self._hids.get(path)
        if hid == POWER_BUTTON_HID and value == NOTIFY_BUTTON_PRESSED:
            self._kernel.power_off(cpu)
        elif hid == acpi_processor.PROCESSOR_HID:
            yield from self._hotplug(path, value, cpu)

    def _hotplug(self, path: str, source: int, cpu: Cpu) -> Thread:
        """Handle a hot-plug event, and report it."""
        if source in {NOTIFY_BUS_CHECK, NOTIFY_DEVICE_CHECK}:
            error = self._device_check(path, cpu)
            self._report(path, source, error, cpu)
            if not error:
                yield from self._online(path, cpu)
        elif source == NOTIFY_EJECT_REQUEST:
            self._evaluate_ost(path, source, OST_EJECT_IN_PROGRESS, cpu)
            error = yield from self._hot_remove(path, cpu)
            self._report(path, source, error, cpu)
        else:
            self._evaluate_ost(path, source, OST_UNRECOGNIZED_NOTIFY, cpu)

    def _report(self, path: str, source: int, error: int, cpu: Cpu) -> None:
        status = _OST_OF_ERRNO.get(error, OST_NON_SPECIFIC_FAILURE)
        self._evaluate_ost(path, source, status, cpu)

    def _evaluate_ost(self, path: str, source: int, status: int, cpu: Cpu) -> None:
        """Report to firmware, where it wants to know."""
        if self._kernel.acpi.exists(path + "._OST"):
            self._kernel.evaluate(cpu, path + "._OST", source, status, bytearray())

    def _device_check(self, path: str, cpu: Cpu) -> int:
        """Attach a device that has come; one that is there already is fine."""
        if path in self._attached or self._attach(path, cpu):
            return 0
        return -ENODEV

    def _attach(self, path: str, cpu: Cpu) -> bool:
        attached = acpi_processor.add(self._kernel, cpu, path)
        if attached:
            self._attached.add(path)
        return attached

    def _online(self, path: str, cpu: Cpu) -> Generator[None, None, None]:
        """What udev does by rule: online what has been enabled."""
        target = acpi_processor.find_cpu(self._kernel, cpu, path)
        if target is not None and self._kernel.auto_online:
            yield from cpuhp.cpu_up(self._kernel, cpu, target)

    def _hot_remove(self, path: str, cpu: Cpu) -> Generator[None, None, int]:
        """Offline, eject, look whether it is gone."""
        target = acpi_processor.find_cpu(self._kernel, cpu, path)
        if target is None or path not in self._attached:
            return -ENODEV
        error = yield from cpuhp.cpu_down(self._kernel, cpu, target)
        if error:
            self._kernel.printk(cpu.hardware, f"processor cpu{target.id}: Offline failed.")
            return -cpuhp.EBUSY
        if not self._kernel.acpi.exists(path + "._EJ0"):
            return -ENODEV
        self._kernel.evaluate(cpu, path + "._EJ0", 1)
        sta = acpi_processor.status(self._kernel, cpu, path)
        if sta & acpi_processor.STA_ENABLED:
            self._kernel.printk(cpu.hardware, f"ACPI: {path}: Eject incomplete - status {sta:#x}")
            return -cpuhp.EIO
        self._attached.discard(path)
        acpi_processor.post_eject(self._kernel, cpu, path)
        return 0

    def _hid(self, path: str, on: Cpu) -> str | None:
        if not self._kernel.acpi.exists(path + "._HID"):
            return None
        value = self._kernel.evaluate(on, path + "._HID")
        if isinstance(value, int):
            return _eisa_id(value)
        return value if isinstance(value, str) else None


def _eisa_id(value: int) -> str:
    """Spell a compressed EISA id (ACPI 6.5 §19.3.4): three letters, four digits."""
    swapped = int.from_bytes(value.to_bytes(8, "little")[:4], "big")
    letters = "".join(chr(0x40 + (swapped >> shift & 0x1F)) for shift in (26, 21, 16))
    return f"{letters}{swapped & 0xFFFF:04X}"
