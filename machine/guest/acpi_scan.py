"""Enumeration of ACPI devices, and who handles what is notified to them (Linux: drivers/acpi/).

A Notify to a processor is queued, and handled in its turn by a kernel thread (scan.c, osl.c);
that of the power button (button.c) waits for nobody.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from machine.guest import acpi_processor, cpuhp
from machine.guest.acpi_hotplug import EJECTS, AcpiHotplug
from machine.guest.behaviour import KernelKind
from machine.guest.workqueue import Work

if TYPE_CHECKING:
    from machine.guest.kernel import Kernel
    from machine.guest.platform import Thread
    from machine.guest.smp import Cpu

NOTIFY_BUTTON_PRESSED = 0x80
POWER_BUTTON_HID = "PNP0C0C"


class AcpiScan:
    """The devices of the namespace, and what is done about what was notified to them."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._hids: dict[str, str] = {}
        self._attached: set[str] = set()
        self.hotplug = AcpiHotplug(kernel, self)

    def enumerate(self, on: Cpu) -> None:
        """Walk the namespace at boot, and register the processors that there are."""
        for path in list(self._kernel.acpi.devices()):
            hid = self._hid(path, on)
            if hid is not None:
                self._hids[path] = hid
        for path in self.with_hid(acpi_processor.PROCESSOR_HID):
            self.attach(path, on)

    def with_hid(self, hid: str) -> list[str]:
        """The devices with this hardware id, in the order of the namespace."""
        return [path for path, found in self._hids.items() if found == hid]

    def is_attached(self, path: str) -> bool:
        """Whether a device is in use: no driver has one that is not enabled."""
        return path in self._attached

    def notify(self, path: str, value: int, cpu: Cpu) -> None:
        """Have a notification handled; `cpu` is the one that has executed Notify."""
        hid = self._hids.get(path)
        if hid == acpi_processor.PROCESSOR_HID:
            if self._kernel.kind is KernelKind.NO_HOTPLUG:
                return
            place = partial(self._away_from, path) if value in EJECTS else cpuhp.anywhere
            self._kernel.hotplug.submit(Work(partial(self.hotplug.handle, path, value), place), cpu)
        elif hid == POWER_BUTTON_HID and value == NOTIFY_BUTTON_PRESSED:
            cpu.tasks.append(self._press_power_button(cpu))

    def _away_from(self, path: str, cpu: Cpu) -> Cpu:
        target = acpi_processor.find_cpu(self._kernel, cpu, path)
        return cpuhp.away_from(self._kernel, target, cpu)

    def _press_power_button(self, cpu: Cpu) -> Thread:
        """What user space does about it, without waiting for any hot-plug work."""
        yield from ()
        self._kernel.power_off(cpu)

    def attach(self, path: str, cpu: Cpu) -> bool:
        """Attach a device that has come; one that is there already is fine."""
        if path not in self._attached and acpi_processor.add(self._kernel, cpu, path):
            self._attached.add(path)
        return path in self._attached

    def detach(self, path: str, cpu: Cpu) -> None:
        """A device is gone."""
        self._attached.discard(path)
        acpi_processor.post_eject(self._kernel, cpu, path)

    def may_be_there(self, path: str, cpu: Cpu) -> bool:
        """Whether there is anything to eject: in use, or enabled and registered by nobody."""
        if path in self._attached:
            return True
        sta = acpi_processor.status(self._kernel, cpu, path)
        return bool(sta & acpi_processor.STA_ENABLED)

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
