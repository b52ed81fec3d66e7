"""The PL011 UART in AML: what the namespace says of it (Arm's server specification, ARMH0011)."""

from __future__ import annotations

from machine.acpi import aml

NAME = "COM0"


def describe(address: int, size: int, gsi: int) -> bytes:
    """The device, with its registers and its interrupt."""
    return aml.device(
        NAME,
        aml.name("_HID", "ARMH0011"),
        aml.name("_UID", 0),
        aml.name(
            "_CRS",
            aml.resource_template(aml.memory32_fixed(address, size), aml.interrupt(gsi)),
        ),
    )
