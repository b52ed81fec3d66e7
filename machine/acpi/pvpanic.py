"""The panic device: a guest says in one register that it has panicked (QEMU: docs/specs/pvpanic).

It is the variant on the memory bus (pvpanic-mmio). Firmware tells of it by ACPI, or by the device
tree (Documentation/devicetree/bindings/misc/qemu,pvpanic-mmio).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.acpi import aml
from machine.register import MmioDevice, Reg

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PANICKED, CRASH_LOADED, SHUTDOWN = (1 << n for n in range(3))
EVENTS = PANICKED | CRASH_LOADED | SHUTDOWN
NAME, HID = "PEVT", "QEMU0001"
PRESENT = 0xF


class PvPanic(MmioDevice):
    """The register.

    Args:
        on_event: what each event causes; of several in one write, the lowest counts.
    """

    EVENT = Reg(0x0, size=1)

    def __init__(self, on_event: Mapping[int, Callable[[], None]]) -> None:
        super().__init__()
        self._on_event = on_event

    @EVENT.read
    def _read_event(self, _n: int) -> int:
        return EVENTS

    @EVENT.write
    def _write_event(self, _n: int, value: int) -> None:
        act = self._on_event.get(value & -value)
        if act is not None:
            act()


def describe(address: int, size: int) -> bytes:
    """The device in AML: where its register is."""
    return aml.device(
        NAME,
        aml.name("_HID", aml.string(HID)),
        aml.name("_CRS", aml.resource_template(aml.memory32_fixed(address, size))),
        aml.name("_STA", PRESENT),
    )
