"""Bringing CPUs up and down (Linux: kernel/cpu.c, arch/arm64/kernel/smp.c and psci.c).

Up: PSCI CPU_ON, and the new CPU's own word that it runs. Down: the CPU takes itself off by
CPU_OFF, and another one asks AFFINITY_INFO until it is off. DENIED by firmware is silent: that is
how CPUs that are not enabled are kept out (Documentation/arch/arm64/cpu-hotplug.rst).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.guest import psci, timer

if TYPE_CHECKING:
    from collections.abc import Generator

    from machine.guest.kernel import Kernel
    from machine.guest.platform import Thread
    from machine.guest.smp import Cpu

BRING_UP_TIMEOUT = 5000 * timer.MS
KILL_TIMEOUT = 100 * timer.MS
KILL_POLL = timer.MS // 10

EPERM, EIO, EBUSY, ETIMEDOUT, EINVAL = 1, 5, 16, 110, 22

_ERRNO = {psci.SUCCESS: 0, psci.DENIED: -EPERM, -1: -95, -2: -EINVAL}


def cpu_up(kernel: Kernel, on: Cpu, cpu: Cpu) -> Generator[None, None, int]:
    """Start `cpu` from `on`; 0, or a negative errno."""
    if cpu.online:
        return 0
    cpu.waiter = on
    answer = psci.cpu_on(on.hardware, cpu.mpidr, kernel.secondary_entry, cpu.id)
    if answer != psci.SUCCESS:
        error = _ERRNO.get(answer, -EINVAL)
        if error != -EPERM:
            kernel.printk(on.hardware, f"psci: failed to boot CPU{cpu.id} ({error})")
            kernel.printk(on.hardware, f"CPU{cpu.id}: failed to boot: {error}")
        return error
    started = yield from timer.wait_until(on.hardware, lambda: cpu.online, BRING_UP_TIMEOUT)
    if started:
        return 0
    kernel.printk(on.hardware, f"CPU{cpu.id}: failed to come online")
    return -EIO


def secondary_start(kernel: Kernel, cpu: Cpu) -> Thread:
    """The first code of a CPU that CPU_ON has started."""
    kernel.printk(cpu.hardware, f"Detected PIPT I-cache on CPU{cpu.id}")
    kernel.init_interrupts(cpu)
    midr = cpu.hardware.mrs("MIDR_EL1")
    kernel.printk(
        cpu.hardware,
        f"CPU{cpu.id}: Booted secondary processor {cpu.mpidr:#012x} [{midr:#010x}]",
    )
    set_online(kernel, cpu, online=True)
    kernel.wake(cpu, cpu.waiter)
    return kernel.idle(cpu)


def cpu_down(kernel: Kernel, on: Cpu, cpu: Cpu) -> Generator[None, None, int]:
    """Take `cpu` offline from `on`; 0, or a negative errno (-EBUSY for the last one)."""
    if not cpu.online:
        return 0
    if len(kernel.online_cpus()) == 1 or cpu is on:
        return -EBUSY
    cpu.dying, cpu.waiter = True, on
    kernel.wake(on, cpu)
    died = yield from timer.wait_until(on.hardware, lambda: not cpu.online, BRING_UP_TIMEOUT)
    if not died:
        cpu.dying = False
        kernel.printk(on.hardware, f"CPU{cpu.id}: didn't die")
        return -ETIMEDOUT
    yield from _confirm_death(kernel, on, cpu)
    return 0


def cpu_die(kernel: Kernel, cpu: Cpu) -> None:
    """The last code of a CPU that goes offline; comes back only where firmware refuses."""
    cpu.dying = False
    set_online(kernel, cpu, online=False)
    kernel.wake(cpu, cpu.waiter)
    psci.cpu_off(cpu.hardware)
    kernel.printk(cpu.hardware, f"CPU{cpu.id}: unable to power off")


def set_online(kernel: Kernel, cpu: Cpu, *, online: bool) -> None:
    """Change the online mask."""
    cpu.online = online
    kernel.cpus_changed(cpu)


def _confirm_death(kernel: Kernel, on: Cpu, cpu: Cpu) -> Thread:
    """Ask until firmware says that the CPU is off, for 100 ms at most."""
    start = timer.now(on.hardware)
    while True:
        state = psci.affinity_info(on.hardware, cpu.mpidr)
        polled = timer.now(on.hardware) - start
        if state == psci.AFFINITY_LEVEL_OFF:
            kernel.printk(on.hardware, f"psci: CPU{cpu.id} killed (polled {polled // timer.MS} ms)")
            return
        if polled >= KILL_TIMEOUT:
            break
        yield from timer.sleep(on.hardware, KILL_POLL)
    kernel.printk(
        on.hardware,
        f"CPU{cpu.id} may not have shut down cleanly (AFFINITY_INFO reports {state})",
    )
