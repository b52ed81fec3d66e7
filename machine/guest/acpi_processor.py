"""The processor driver: what `_STA` says becomes the enabled mask.

Linux: drivers/acpi/acpi_processor.c and arch/arm64/kernel/smp.c (arch_register_cpu). The present
bit must never change; the enabled bit is what comes and goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from machine.guest.kernel import Kernel
    from machine.guest.smp import Cpu

PROCESSOR_HID = "ACPI0007"
STA_PRESENT, STA_ENABLED, STA_FUNCTIONING = 1, 2, 8


def status(kernel: Kernel, on: Cpu, path: str) -> int:
    """Evaluate _STA (ACPI 6.5 §6.3.7); a device without one is all there."""
    sta = path + "._STA"
    if not kernel.acpi.exists(sta):
        return 0xF
    value = kernel.evaluate(on, sta)
    return value if isinstance(value, int) else 0


def add(kernel: Kernel, on: Cpu, path: str) -> bool:
    """Register the CPU of a processor device, if it is there; gives whether it is."""
    cpu = find_cpu(kernel, on, path)
    sta = status(kernel, on, path)
    if cpu is None or not sta & STA_PRESENT or not sta & STA_ENABLED:
        return False
    cpu.enabled = True
    kernel.printk(on.hardware, f"ACPI: CPU{cpu.id} has been hot-added")
    kernel.cpus_changed(cpu)
    return True


def post_eject(kernel: Kernel, on: Cpu, path: str) -> None:
    """Unregister the CPU, unless `_STA` still says that it is enabled."""
    cpu = find_cpu(kernel, on, path)
    if cpu is None or status(kernel, on, path) & STA_ENABLED:
        return
    cpu.enabled = False
    kernel.cpus_changed(cpu)


def find_cpu(kernel: Kernel, on: Cpu, path: str) -> Cpu | None:
    """The logical CPU that a processor device's _UID names in the MADT; asked for once."""
    cpu = kernel.processors.get(path)
    if cpu is None:
        uid = kernel.evaluate(on, path + "._UID")
        cpu = kernel.by_uid.get(uid) if isinstance(uid, int) else None
        if cpu is not None:
            kernel.processors[path] = cpu
    return cpu
