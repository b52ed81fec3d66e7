"""The Generic Event Device (ACPI 6.5 §5.6.9): one interrupt, and a register that says what for.

Reading ESEL gives the events that are pending, and clears them.

The interrupt is an edge: where nobody has configured it yet, as while the guest boots, it is lost.
What somebody waits for is therefore repeated until ESEL is read, a removal and the power button.
An insertion is not: a guest that boots finds the CPU by itself.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from machine.acpi import aml
from machine.irq import IrqLine
from machine.register import MmioDevice, Reg

if TYPE_CHECKING:
    from machine.clock import Timer
    from machine.trace import Trace

POWER_DOWN, CPU_HOTPLUG = 0x2, 0x8
PATH = "\\_SB.GED"
POWER_BUTTON = "PWRB"
POWER_BUTTON_PRESSED = 0x80

FIRST_REPEAT_NS = 1_000_000
REPEATS = 16
"""Twice the time passes before each repetition: there are 16 within about a minute, and then the
guest has no ears."""


class GenericEventDevice(MmioDevice):
    """The event selector register, 4 bytes; `irq` is pulsed for each event."""

    ESEL = Reg(0x0, "r")

    def __init__(self, trace: Trace) -> None:
        super().__init__()
        self.irq = IrqLine("ged")
        self.pending = 0
        self._trace = trace
        self._repeat: Timer | None = None

    def raise_event(self, event: int) -> None:
        """Remember an event and interrupt the guest; events that it has not read coalesce."""
        self.pending |= event
        if self._trace.on:
            self._trace("acpi", "ged_event", event=event)
        self.irq.pulse()

    def insist(self) -> None:
        """Repeat the interrupt until the guest has read what is pending."""
        self._stop_repeating()
        self._repeat_after(0)

    def reset(self) -> None:
        """Forget what is pending."""
        self.pending = 0
        self._stop_repeating()

    def _repeat_after(self, times: int) -> None:
        delay = FIRST_REPEAT_NS << times
        self._repeat = self._trace.clock.call_after(delay, partial(self._again, times + 1))

    def _again(self, times: int) -> None:
        self._repeat = None
        if times < REPEATS:
            self._repeat_after(times)
        self.raise_event(0)

    def _stop_repeating(self) -> None:
        if self._repeat is not None:
            self._repeat.cancel()
            self._repeat = None

    @ESEL.read
    def _read_esel(self, _n: int) -> int:
        self._stop_repeating()
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
