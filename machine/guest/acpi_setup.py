"""Booting by ACPI's tables, and the devices of its namespace.

Linux: arch/arm64/kernel/acpi.c and smp.c (acpi_parse_and_init_cpus), drivers/acpi/bus.c. What there
is besides CPUs comes from `of_setup` where there is no ACPI.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.guest import (
    acpi_init,
    acpi_numa,
    acpi_pptt,
    acpi_spcr,
    acpi_tables,
    cpuhp,
    evged,
    pvpanic,
    timer,
    udev,
)
from machine.guest.amba_pl011 import Pl011
from machine.guest.aml.errors import AmlError
from machine.guest.behaviour import KernelKind, OnlinePolicy
from machine.guest.irq_gic_v3 import GicV3
from machine.guest.workqueue import Work

if TYPE_CHECKING:
    from collections.abc import Generator

    from machine.guest.kernel import Kernel
    from machine.guest.platform import Platform, Thread
    from machine.guest.smp import Cpu


def setup(
    kernel: Kernel, platform: Platform, tables: dict[str, bytes], dram: tuple[int, int]
) -> None:
    """Find interrupt controller, timer, firmware and CPUs, from the boot CPU."""
    _start_spcr_console(kernel, platform, tables.get("SPCR"))
    _read_madt(kernel, acpi_tables.parse_madt(tables["APIC"]))
    kernel.numa = acpi_numa.init(kernel, tables, dram)
    acpi_numa.map_cpus_to_nodes(kernel, kernel.numa)
    acpi_pptt.init_cpu_topology(kernel, tables.get("PPTT"))
    kernel.timer_interrupt = timer.virtual_timer_interrupt(tables["GTDT"])
    if acpi_tables.psci_by_hvc(tables["FACP"]):
        kernel.probe_psci()
    else:
        kernel.printk(platform, "psci: is not implemented in ACPI.")


def _start_spcr_console(kernel: Kernel, platform: Platform, table: bytes | None) -> None:
    """Print the log to what the SPCR names, if that is there and can be driven."""
    spcr = acpi_spcr.parse_spcr(table) if table is not None else None
    if spcr is not None:
        kernel.printk(platform, f"ACPI: SPCR: console: {spcr}")
        kernel.start_console(Pl011(spcr.address, spcr.interrupt))


def _read_madt(kernel: Kernel, madt: acpi_tables.Madt) -> None:
    kernel.gic = GicV3(madt.distributor, madt.redistributors)
    kernel.number_cpus((gicc.uid, gicc.mpidr) for gicc in madt.cpus if _takes_in(kernel, gicc))


def _takes_in(kernel: Kernel, gicc: acpi_tables.Gicc) -> bool:
    """Whether a GICC is a CPU's; before Linux 6.11 one that is not enabled is skipped."""
    if kernel.kind is not KernelKind.NO_HOTPLUG:
        return gicc.usable
    if not gicc.enabled and kernel.observer is not None:
        kernel.observer.traced("acpi_map_gic_cpu_interface", mpidr=gicc.mpidr)
    return gicc.enabled


def find_devices(kernel: Kernel, dsdt: bytes) -> Thread:
    """Load the namespace, enumerate it, and bind the drivers that wait for events."""
    boot = kernel.boot_cpu
    try:
        kernel.acpi.load_table(dsdt)
    except AmlError as error:
        kernel.printk(boot.hardware, f"ACPI Error: DSDT: {error}")
        return
    acpi_init.initialize(kernel, boot)
    kernel.scan.enumerate(boot)
    if kernel.kind is not KernelKind.NO_GED:
        for path in kernel.scan.with_hid(evged.GED_HID):
            evged.probe(kernel, path)
    pvpanic.probe_acpi(kernel)
    yield from kernel.acpi_host.rest(boot)
    kernel.hotplug.submit(Work(lambda on: _coldplug(kernel, on)), boot)


def _coldplug(kernel: Kernel, on: Cpu) -> Generator[None, None, int]:
    """Online what was enabled meanwhile: the kernel, or udev once user space is up."""
    for cpu in kernel.cpus:
        if not cpu.enabled or cpu.online:
            continue
        if kernel.will.behaviour.online is OnlinePolicy.KERNEL:
            yield from cpuhp.cpu_up(kernel, on, cpu)
        yield from udev.uevent(kernel, on, cpu)
    return 0
