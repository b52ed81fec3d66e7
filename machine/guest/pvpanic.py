"""The panic device's driver (Linux: drivers/misc/pvpanic/pvpanic-mmio.c).

It is told when the kernel panics, and tells the host. Found by its _HID, or in the device tree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from machine.guest.kernel import Kernel
    from machine.guest.of_fdt import Node
    from machine.guest.platform import Platform

PVPANIC_HID = "QEMU0001"
COMPATIBLE = "qemu,pvpanic-mmio"
PANICKED = 1
MEMORY32_FIXED = 0x86
BASE_AT, LENGTH = 4, 12


class PvPanic:
    """One device.

    Args:
        platform: of the CPU that probes it.
        base: the address of its register.
    """

    def __init__(self, platform: Platform, base: int) -> None:
        self._base = base
        self._capability = platform.load(base, 1)

    def panicked(self, platform: Platform) -> None:
        """Tell the host, if it wants to know."""
        if self._capability & PANICKED:
            platform.store(self._base, 1, PANICKED)


def probe_acpi(kernel: Kernel) -> None:
    """Look for the device in the namespace."""
    boot = kernel.boot_cpu
    for path in kernel.scan.with_hid(PVPANIC_HID):
        crs = kernel.evaluate(boot, path + "._CRS")
        base = _memory(bytes(crs)) if isinstance(crs, bytes | bytearray) else None
        if base is not None:
            kernel.panic_device = PvPanic(boot.hardware, base)


def probe_tree(kernel: Kernel, tree: Node) -> None:
    """Look for the device in the device tree."""
    node = tree.compatible(COMPATIBLE)
    if node is not None and node.reg():
        (base, _), *_ = node.reg()
        kernel.panic_device = PvPanic(kernel.boot_cpu.hardware, base)


def _memory(crs: bytes) -> int | None:
    """The address of a 32-bit Fixed Memory Range Descriptor (ACPI 6.5 §6.4.3.4), the first item."""
    if len(crs) < LENGTH or crs[0] != MEMORY32_FIXED:
        return None
    return int.from_bytes(crs[BASE_AT : BASE_AT + 4], "little")
