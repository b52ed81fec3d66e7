"""GTDT (ACPI 6.5 §5.2.25): the interrupts of the generic timers."""

from __future__ import annotations

import struct

from machine.acpi import aml

REVISION = 3
NO_COUNTER_BLOCK = (1 << 64) - 1
ALWAYS_ON = 4

_BODY = struct.Struct("<QIIIIIIIIIQIIII")


def gtdt(*, secure: int, physical: int, virtual: int, hypervisor: int) -> bytes:
    """Build it from the timers' PPIs; the counter is a system register only."""
    body = _BODY.pack(
        NO_COUNTER_BLOCK, 0, secure, 0, physical, ALWAYS_ON, virtual, 0, hypervisor, 0,
        NO_COUNTER_BLOCK, 0, 0, 0, 0,
    )  # fmt: skip
    return aml.table("GTDT", REVISION, body)
