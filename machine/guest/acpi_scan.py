"""Enumeration and hot-plug of ACPI devices (Linux: drivers/acpi/scan.c, device_sysfs.c, osl.c).

A Notify is queued, and handled in its turn by a kernel thread; every request ends in an _OST
(ACPI 6.5 §6.3.5) that says what became of it. A user's eject (`eject` of a device in sysfs) is such
a request, too.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from machine.guest import acpi_processor, cpuhp
from machine.guest.workqueue import Work

if TYPE_CHECKING:
    from collections.abc import Generator

    from machine.guest.kernel import Kernel
    from machine.guest.smp import Cpu

NOTIFY_BUS_CHECK, NOTIFY_DEVICE_CHECK, NOTIFY_EJECT_REQUEST = 0, 1, 3
NOTIFY_BUTTON_PRESSED = 0x80
OST_EC_OSPM_EJECT = 0x103
"""The source of an eject that nobody but a user of the guest asked for (ACPI 6.5 §6.3.5.1)."""
EJECTS = frozenset({NOTIFY_EJECT_REQUEST, OST_EC_OSPM_EJECT})
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
    """The devices of the namespace, and what is done about what was notified to them."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._hids: dict[str, str] = {}
        self._attached: set[str] = set()
        self.processor_hotplug = True
        """What /sys/firmware/acpi/hotplug/processor/enabled says."""

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

    def is_attached(self, path: str) -> bool:
        """Whether a device is in use: no driver has one that is not enabled."""
        return path in self._attached

    def notify(self, path: str, value: int, cpu: Cpu) -> None:
        """Have a notification handled; `cpu` is the one that has executed Notify."""
        ejects = value in EJECTS and self._hids.get(path) == acpi_processor.PROCESSOR_HID
        place = partial(self._away_from, path) if ejects else cpuhp.anywhere
        self._kernel.hotplug.submit(Work(partial(self._handle, path, value), place), cpu)

    def _away_from(self, path: str, cpu: Cpu) -> Cpu:
        target = acpi_processor.find_cpu(self._kernel, cpu, path)
        return cpuhp.away_from(self._kernel, target, cpu)

    def _handle(self, path: str, value: int, cpu: Cpu) -> Generator[None, None, int]:
        hid = self._hids.get(path)
        if hid == POWER_BUTTON_HID and value == NOTIFY_BUTTON_PRESSED:
            self._kernel.power_off(cpu)
        elif hid == acpi_processor.PROCESSOR_HID:
            return (yield from self._hotplug(path, value, cpu))
        return 0

    def _hotplug(self, path: str, source: int, cpu: Cpu) -> Generator[None, None, int]:
        """Handle a hot-plug event, and report it."""
        if source in {NOTIFY_BUS_CHECK, NOTIFY_DEVICE_CHECK}:
            error = self._device_check(path, cpu)
        elif source in EJECTS:
            error = yield from self._eject(path, cpu)
        else:
            self._evaluate_ost(path, source, OST_UNRECOGNIZED_NOTIFY, cpu)
            return 0
        self._report(path, source, error, cpu)
        if not error and source not in EJECTS:
            yield from self._online(path, cpu)
        return error

    def _eject(self, path: str, cpu: Cpu) -> Generator[None, None, int]:
        """Give a device back, if that is not switched off."""
        if not self.processor_hotplug:
            self._kernel.printk(cpu.hardware, f"ACPI: {path}: Eject disabled")
            return -cpuhp.EPERM
        self._evaluate_ost(path, NOTIFY_EJECT_REQUEST, OST_EJECT_IN_PROGRESS, cpu)
        return (yield from self._hot_remove(path, cpu))

    def _report(self, path: str, source: int, error: int, cpu: Cpu) -> None:
        status = _OST_OF_ERRNO.get(error, OST_NON_SPECIFIC_FAILURE)
        self._evaluate_ost(path, source, status, cpu)

    def _evaluate_ost(self, path: str, source: int, status: int, cpu: Cpu) -> None:
        """Report to firmware, where it wants to know."""
        if self._kernel.acpi.exists(path + "._OST"):
            self._kernel.evaluate(cpu, path + "._OST", source, status, bytearray())

    def _device_check(self, path: str, cpu: Cpu) -> int:
        """Attach a device that has come; one that is there already is fine."""
        if self.is_attached(path) or self._attach(path, cpu):
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
        if target is None or not self.is_attached(path):
            return -ENODEV
        error = yield from cpuhp.cpu_down(self._kernel, cpu, target)
        if error:
            return self._not_offline(target, error, cpu)
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

    def _not_offline(self, target: Cpu, error: int, cpu: Cpu) -> int:
        """Say why a CPU stays; whatever is not forbidden for good counts as busy."""
        disabled = error == -cpuhp.EPERM
        why = "disabled" if disabled else "failed"
        self._kernel.printk(cpu.hardware, f"processor cpu{target.id}: Offline {why}.")
        return error if disabled else -cpuhp.EBUSY

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
