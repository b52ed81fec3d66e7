"""The Generic Event Device (ACPI 6.5 §5.6.9): one interrupt, and a register that says what for.

Reading ESEL gives the events that are pending, and clears them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.acpi import aml
from machine.irq import IrqLine
from machine.register import MmioDevice, Reg

if TYPE_CHECKING:
    from machine.trace import Trace

POWER_DOWN, CPU_HOTPLUG = 0x2, 0x8
PATH = "\\_SB.GED"
POWER_BUTTON = "PWRB"
POWER_BUTTON_PRESSED = 0x80


class GenericEventDevice(MmioDevice):
    """The event selector register, 4 bytes; `irq` is pulsed for each event."""

    ESEL = Reg(0x0, "r")

    def __init__(self, trace: Trace) -> None:
        super().__init__()
        self.irq = IrqLine("ged")
        self.pending = 0
        self._trace = trace

    def raise_event(self, event: int) -> None:
        """Remember an event and interrupt the guest; events that it has not read coalesce."""
        self.pending |= event
        if self._trace.on:
            self._trace("acpi", "ged_event", event=event)
        self.irq.pulse()

    @ESEL.read
    def _read_esel(self, _n: int) -> int:
        pending, self.pending = self.pending, 0
        if self._trace.on:
            self._trace("acpi", "ged_read_esel", events=pending)
        return pending


def describe(address: int, size: int, gsi: int) -> bytes:
    """The device in AML: its _EVT asks ESEL, and calls what each event is for."""
    event = aml.local0
    return aml.device(
        PATH,
        aml.name("_HID", "ACPI0013"),
        aml.name("_UID", "GED"),
        aml.name("_CRS", aml.resource_template(aml.interrupt(gsi, edge=True))),
        aml.operation_region("EREG", aml.RegionSpace.SystemMemory, address, size),
        aml.field(
            "EREG",
            aml.AccessType.DWordAcc,
            aml.LockRule.NoLock,
            aml.UpdateRule.WriteAsZeros,
            aml.named_field("ESEL", 32),
        ),
        aml.method(
            "_EVT",
            1,
            aml.store(aml.name_string("ESEL"), event),
            _when(event, POWER_DOWN, aml.notify(POWER_BUTTON, POWER_BUTTON_PRESSED)),
            _when(event, CPU_HOTPLUG, aml.call(f"{PATH}.CSCN")),
            serialized=True,
        ),
    )


def describe_power_button() -> bytes:
    """The control method power button (ACPI 6.5 §4.8.3.2.2) that the GED notifies."""
    return aml.device(
        POWER_BUTTON,
        aml.name("_HID", aml.string("PNP0C0C")),
        aml.name("_UID", 0),
    )


def _when(event: bytes, bit: int, then: bytes) -> bytes:
    return aml.if_(aml.lequal(aml.and_(event, bit), bit), then)
