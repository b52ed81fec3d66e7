"""The end of a kernel (Linux: kernel/panic.c, arch/arm64/kernel/smp.c and traps.c).

The other CPUs are stopped, the panic device is told, and then nothing happens any more: interrupts
are masked for good.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from machine.guest import cpuhp, timer
from machine.guest.smp import IPI_CPU_STOP

if TYPE_CHECKING:
    from machine.guest.kernel import Kernel
    from machine.guest.platform import Platform, Thread
    from machine.guest.smp import Cpu

DAIF = 0x3C0
"""PSTATE.{D, A, I, F}: all of them masked (DDI 0487 §C5.2)."""
STOP_TIMEOUT = 1000 * timer.MS
STOP_POLL = timer.MS // 100


class Panic(BaseException):
    """Raised by a thread that panics: it unwinds all that its CPU does, for `end` to be done."""

    def __init__(self, end: Thread) -> None:
        super().__init__()
        self.end = end


def panic(kernel: Kernel, platform: Platform, text: str) -> Thread:
    """What the CPU that panics does, to its end; a second one just stops."""
    if kernel.panicked:
        yield from park(kernel, platform)
    kernel.panicked = True
    kernel.printk(platform, f"Kernel panic - not syncing: {text}")
    yield from _stop_others(kernel, platform)
    kernel.log.flush(platform)
    if kernel.panic_device is not None:
        kernel.panic_device.panicked(platform)
    kernel.printk(platform, f"---[ end Kernel panic - not syncing: {text} ]---")
    yield from park(kernel, platform)


def crash(kernel: Kernel, cpu: Cpu) -> None:
    """What somebody asks for by the system request's key c (Linux: drivers/tty/sysrq.c).

    Raises:
        Panic: in any case.
    """
    kernel.printk(cpu.hardware, "sysrq: Trigger a crash")
    raise Panic(panic(kernel, cpu.hardware, "sysrq triggered crash"))


def serror(kernel: Kernel, cpu: Cpu) -> Thread:
    """The SError vector: the kernel can't go on after what has happened (Linux: do_serror).

    Interrupts are let through again, as what Linux spins for is slept for here.
    """
    platform = cpu.hardware
    platform.msr("DAIF", 0)
    code = platform.mrs("ESR_EL1")
    kernel.printk(platform, f"SError Interrupt on CPU{cpu.id}, code {code:#018x} -- SError")
    return panic(kernel, platform, "Asynchronous SError Interrupt")


def setup(kernel: Kernel) -> None:
    """Let the CPUs stop each other."""
    kernel.gic.handle(IPI_CPU_STOP, partial(_stopped, kernel))


def park(kernel: Kernel, platform: Platform) -> Thread:
    """Nothing more, forever (Linux: cpu_park_loop)."""
    kernel.log.flush(platform)
    platform.msr("DAIF", DAIF)
    while True:
        platform.wfi()
        yield


def _stopped(kernel: Kernel, platform: Platform) -> Thread:
    """A CPU is told to stop: what it did is not gone on with (Linux: local_cpu_stop)."""
    cpuhp.set_online(kernel, kernel.cpu_of(platform), online=False)
    return park(kernel, platform)


def _stop_others(kernel: Kernel, platform: Platform) -> Thread:
    """Stop the other CPUs, and wait a second for them at most (Linux: smp_send_stop)."""
    others = [cpu for cpu in kernel.online_cpus() if cpu.platform is not platform]
    if not others:
        return
    kernel.printk(platform, "SMP: stopping secondary CPUs")
    for cpu in others:
        kernel.gic.send_sgi(platform, IPI_CPU_STOP, cpu.mpidr)
    end = timer.now(platform) + STOP_TIMEOUT
    while any(cpu.online for cpu in others) and timer.now(platform) < end:
        yield from timer.sleep(kernel.cpu_of(platform), STOP_POLL)
    left = ",".join(str(cpu.id) for cpu in others if cpu.online)
    if left:
        kernel.printk(platform, f"SMP: failed to stop secondary CPUs {left}")
