"""Bringing CPUs up and down (Linux: kernel/cpu.c, arch/arm64/kernel/smp.c and psci.c).

Up: PSCI CPU_ON, and the new CPU's own word that it runs. Down: the CPU takes itself off by
CPU_OFF, and another one asks AFFINITY_INFO until it is off. DENIED by firmware is silent: that is
how CPUs that are not enabled are kept out (Documentation/arch/arm64/cpu-hotplug.rst).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.guest import psci, timer
from machine.guest.latency import Latency

if TYPE_CHECKING:
    from collections.abc import Generator

    from machine.guest.kernel import Kernel
    from machine.guest.platform import Thread
    from machine.guest.smp import Cpu

BRING_UP_TIMEOUT = 5000 * timer.MS
KILL_TIMEOUT = 100 * timer.MS
KILL_POLL = timer.MS // 10

EPERM, ENOENT, EIO, EBUSY, EINVAL, ETIMEDOUT = 1, 2, 5, 16, 22, 110


def cpu_up(kernel: Kernel, on: Cpu, cpu: Cpu) -> Generator[None, None, int]:
    """Start `cpu` from `on`; 0, or a negative errno."""
    if cpu.online:
        return 0
    yield from kernel.spend(on, Latency.CPU_UP)
    cpu.waiter = on
    answer = psci.cpu_on(on.hardware, cpu.mpidr, kernel.secondary_entry, cpu.id)
    if answer != psci.SUCCESS:
        error = psci.errno(answer)
        if error != -EPERM:
            kernel.printk(on.hardware, f"psci: failed to boot CPU{cpu.id} ({error})")
            kernel.printk(on.hardware, f"CPU{cpu.id}: failed to boot: {error}")
        return error
    started = yield from timer.wait_until(on, lambda: cpu.online, BRING_UP_TIMEOUT)
    if started:
        return 0
    kernel.printk(on.hardware, f"CPU{cpu.id}: failed to come online")
    return -EIO


def secondary_start(kernel: Kernel, cpu: Cpu) -> None:
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


def cpu_down(kernel: Kernel, on: Cpu, cpu: Cpu) -> Generator[None, None, int]:
    """Take `cpu` offline from `on`; 0, or a negative errno.

    That is -EBUSY for the last one that is online, and for one that is isolated.
    """
    if not cpu.online:
        return 0
    isolated = cpu.id in kernel.will.behaviour.isolated
    if isolated or len(kernel.online) == 1 or cpu is on:
        return -EBUSY
    yield from kernel.spend(on, Latency.CPU_DOWN)
    cpu.dying, cpu.waiter = True, on
    kernel.wake(on, cpu)
    died = yield from timer.wait_until(on, lambda: not cpu.online, BRING_UP_TIMEOUT)
    if not died:
        cpu.dying = False
        kernel.printk(on.hardware, f"CPU{cpu.id}: didn't die")
        return -ETIMEDOUT
    timer.adopt(on, cpu)
    yield from _confirm_death(kernel, on, cpu)
    return 0


def cpu_die(kernel: Kernel, cpu: Cpu) -> None:
    """The last code of a CPU that goes offline; comes back only where firmware refuses."""
    cpu.dying = False
    set_online(kernel, cpu, online=False)
    _migrate_irqs(kernel, cpu)
    kernel.wake(cpu, cpu.waiter)
    psci.cpu_off(cpu.hardware)
    kernel.printk(cpu.hardware, f"CPU{cpu.id}: unable to power off")


def _migrate_irqs(kernel: Kernel, cpu: Cpu) -> None:
    """Send the interrupts of a CPU that goes offline to the first one that stays."""
    for intid in kernel.gic.spis_of(cpu.mpidr):
        kernel.gic.route_spi(cpu.hardware, intid, away_from(kernel, cpu, cpu).mpidr)


def set_online(kernel: Kernel, cpu: Cpu, *, online: bool) -> None:
    """Change the online mask."""
    cpu.online = online
    if online:
        kernel.online[cpu.id] = cpu
    else:
        del kernel.online[cpu.id]
    kernel.cpus_changed(cpu)


def anywhere(cpu: Cpu) -> Cpu:
    """What can be done on any CPU is done where the one is that does it."""
    return cpu


def away_from(kernel: Kernel, target: Cpu | None, cpu: Cpu) -> Cpu:
    """The CPU to do something from that takes `target` offline: `cpu`, if that is another.

    The last one that is online has to find out by itself that it may not go.
    """
    if cpu is not target:
        return cpu
    others = (other for other in kernel.online.values() if other is not target)
    return min(others, key=_number, default=cpu)


def _number(cpu: Cpu) -> int:
    return cpu.id


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
        yield from timer.sleep(on, KILL_POLL)
    kernel.printk(
        on.hardware,
        f"CPU{cpu.id} may not have shut down cleanly (AFFINITY_INFO reports {state})",
    )
