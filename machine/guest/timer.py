"""The clock event device and its timers: the virtual timer of each CPU.

Linux: drivers/clocksource/arm_arch_timer.c, kernel/time/hrtimer.c. Its interrupt is in the GTDT
(ACPI 6.5 §5.2.25). The comparator of a CPU is set to the first of that CPU's timers; those of one
that went offline move to the CPU that took it there.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from machine.guest.platform import Platform
    from machine.guest.smp import Cpu

ENABLE = 1
MS = 1_000_000
"""Nanoseconds in a millisecond."""


@dataclass(frozen=True, slots=True, eq=False)
class Timer:
    """Something that is due.

    Attributes:
        deadline: when, by the virtual counter.
        function: called then, on the CPU that has the timer; None where a thread looks by itself.
    """

    deadline: int
    function: Callable[[Cpu], None] | None = None


def virtual_timer_interrupt(gtdt: bytes) -> int:
    """The PPI of the virtual timer."""
    return int.from_bytes(gtdt[64:68], "little")


def now(platform: Platform) -> int:
    """Nanoseconds by the virtual counter."""
    return platform.mrs("CNTVCT_EL0") * 1_000_000_000 // platform.mrs("CNTFRQ_EL0")


def start(cpu: Cpu, delay: int, function: Callable[[Cpu], None] | None = None) -> Timer:
    """Set a timer on the calling CPU, `delay` ns from now."""
    ticks = delay * cpu.hardware.mrs("CNTFRQ_EL0") // 1_000_000_000
    timer = Timer(cpu.hardware.mrs("CNTVCT_EL0") + max(ticks, 1), function)
    insort(cpu.timers, timer, key=attrgetter("deadline"))
    program(cpu)
    return timer


def program(cpu: Cpu) -> None:
    """Set the calling CPU's comparator to the first of its timers, or switch it off."""
    if cpu.timers:
        cpu.hardware.msr("CNTV_CVAL_EL0", cpu.timers[0].deadline)
        cpu.hardware.msr("CNTV_CTL_EL0", ENABLE)
    else:
        cpu.hardware.msr("CNTV_CTL_EL0", 0)


def interrupt(cpu: Cpu) -> None:
    """The interrupt handler: see to what is due, and set the comparator to what is next.

    The condition would stay otherwise, and with it the interrupt.
    """
    while cpu.timers and cpu.timers[0].deadline <= cpu.hardware.mrs("CNTVCT_EL0"):
        timer = cpu.timers.pop(0)
        if timer.function is not None:
            timer.function(cpu)
    program(cpu)


def adopt(cpu: Cpu, dead: Cpu) -> None:
    """Take over the timers of a CPU that went offline; `cpu` is the one that calls."""
    if not dead.timers:
        return
    cpu.timers[:] = sorted([*cpu.timers, *dead.timers], key=attrgetter("deadline"))
    dead.timers.clear()
    program(cpu)


def wait_until(
    cpu: Cpu,
    condition: Callable[[], bool],
    timeout: int,
) -> Generator[None, None, bool]:
    """Sleep until `condition` holds, for `timeout` ns at most; gives whether it held.

    A thread of `cpu` does so. Whoever makes it true wakes this CPU by an interrupt.
    """
    timer = start(cpu, timeout)
    while not condition() and cpu.hardware.mrs("CNTVCT_EL0") < timer.deadline:
        yield
    if timer in cpu.timers:
        cpu.timers.remove(timer)
    program(cpu)
    return condition()


def sleep(cpu: Cpu, duration: int) -> Generator[None, None, None]:
    """Have a thread of `cpu` sleep for `duration` ns; not at all for 0."""
    if duration:
        yield from wait_until(cpu, lambda: False, duration)
