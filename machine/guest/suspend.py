"""Suspend to RAM (Linux: kernel/power/suspend.c, kernel/cpu.c, drivers/firmware/psci/psci.c).

All CPUs but one go offline by CPU_OFF; the last one calls SYSTEM_SUSPEND (DEN0022F §5), and
begins anew at the address that it gave when the system is woken up. Then exactly those that were
online before come online again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.guest import cpuhp, psci, sched, timer
from machine.guest.smp import SystemState

if TYPE_CHECKING:
    from collections.abc import Generator

    from machine.guest.kernel import Kernel
    from machine.guest.platform import Thread
    from machine.guest.smp import Cpu


def primary(kernel: Kernel, _cpu: Cpu) -> Cpu:
    """The CPU that stays: the boot CPU, or the first that is online."""
    return kernel.online[min(kernel.online)]


def enter(kernel: Kernel, cpu: Cpu) -> Generator[None, None, int]:
    """Go to sleep from the last CPU; comes back only where that fails, with a negative errno."""
    if not kernel.can_suspend:
        kernel.suspending = False
        return -cpuhp.EINVAL
    kernel.printk(cpu.hardware, "PM: suspend entry (deep)")
    error = yield from _freeze_secondaries(kernel, cpu)
    if not error:
        kernel.system_state = SystemState.SUSPEND
        kernel.log.flush(cpu.hardware)
        answer = psci.system_suspend(cpu.hardware, kernel.resume_entry, cpu.id)
        error = psci.errno(answer)
    yield from _thaw(kernel, cpu)
    return error


def resume(kernel: Kernel, cpu: Cpu) -> Thread:
    """Where a system that is woken up goes on: the registers are lost, memory is not."""
    kernel.init_interrupts(cpu)
    timer.program(cpu)
    cpu.tasks.append(_wake_up(kernel, cpu))
    return sched.idle(kernel, cpu)


def _wake_up(kernel: Kernel, cpu: Cpu) -> Thread:
    yield from _thaw(kernel, cpu)
    kernel.hotplug.resume(cpu, 0)


def _freeze_secondaries(kernel: Kernel, primary: Cpu) -> Generator[None, None, int]:
    kernel.printk(primary.hardware, "Disabling non-boot CPUs ...")
    kernel.frozen = []
    for cpu in kernel.online_cpus():
        if cpu is primary:
            continue
        error = yield from cpuhp.cpu_down(kernel, primary, cpu)
        if error:
            kernel.printk(primary.hardware, f"Error taking CPU{cpu.id} down: {error}")
            kernel.printk(primary.hardware, "Non-boot CPUs are not disabled")
            return error
        kernel.frozen.append(cpu)
    return 0


def _thaw(kernel: Kernel, primary: Cpu) -> Thread:
    """Bring the CPUs up that went offline for the sleep."""
    kernel.system_state = SystemState.RUNNING
    if kernel.frozen:
        kernel.printk(primary.hardware, "Enabling non-boot CPUs ...")
    frozen, kernel.frozen = kernel.frozen, []
    for cpu in frozen:
        error = yield from cpuhp.cpu_up(kernel, primary, cpu)
        outcome = "is up" if not error else f"failed to come up: {error}"
        kernel.printk(primary.hardware, f"CPU{cpu.id} {outcome}")
    kernel.printk(primary.hardware, "PM: suspend exit")
    kernel.suspending = False
