"""FADT (ACPI 6.5 §5.2.9): hardware-reduced, and PSCI by HVC. All the rest is zero."""

from __future__ import annotations

from machine.acpi import aml

LENGTH = 276
REVISION, MINOR_REVISION = 6, 3
HW_REDUCED_ACPI = 1 << 20
PSCI_COMPLIANT, PSCI_USE_HVC = 1, 2
HYPERVISOR = b"QEMU\0\0\0\0"


def fadt(dsdt: int) -> bytes:
    """Build it; `dsdt` is a guest-physical address, and goes to X_DSDT."""
    body = bytearray(LENGTH - 36)
    for offset, value in (
        (112, HW_REDUCED_ACPI.to_bytes(4, "little")),
        (129, (PSCI_COMPLIANT | PSCI_USE_HVC).to_bytes(2, "little")),
        (131, bytes([MINOR_REVISION])),
        (140, dsdt.to_bytes(8, "little")),
        (268, HYPERVISOR),
    ):
        body[offset - 36 : offset - 36 + len(value)] = value
    return aml.table("FACP", REVISION, bytes(body))
