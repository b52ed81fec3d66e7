"""The clock event device: the virtual timer of each CPU.

Linux: drivers/clocksource/arm_arch_timer.c. Its interrupt is in the GTDT (ACPI 6.5 §5.2.25). A
kernel thread that sleeps arms it, and waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from machine.guest.platform import Platform

ENABLE = 1
MS = 1_000_000
"""Nanoseconds in a millisecond."""


def virtual_timer_interrupt(gtdt: bytes) -> int:
    """The PPI of the virtual timer."""
    return int.from_bytes(gtdt[64:68], "little")


def now(platform: Platform) -> int:
    """Nanoseconds by the virtual counter."""
    return platform.mrs("CNTVCT_EL0") * 1_000_000_000 // platform.mrs("CNTFRQ_EL0")


def acknowledge(platform: Platform) -> None:
    """The timer's interrupt handler: the condition stays, so switch the timer off."""
    platform.msr("CNTV_CTL_EL0", 0)


def wait_until(
    platform: Platform,
    condition: Callable[[], bool],
    timeout: int,
) -> Generator[None, None, bool]:
    """Sleep until `condition` holds, for `timeout` ns at most; gives whether it held.

    Whoever makes it true wakes this CPU by an interrupt.
    """
    ticks = timeout * platform.mrs("CNTFRQ_EL0") // 1_000_000_000
    deadline = platform.mrs("CNTVCT_EL0") + max(ticks, 1)
    platform.msr("CNTV_CVAL_EL0", deadline)
    platform.msr("CNTV_CTL_EL0", ENABLE)
    while not condition() and platform.mrs("CNTVCT_EL0") < deadline:
        platform.wfi()
        yield
    platform.msr("CNTV_CTL_EL0", 0)
    return condition()


def sleep(platform: Platform, duration: int) -> Generator[None, None, None]:
    """Sleep for `duration` ns."""
    yield from wait_until(platform, lambda: False, duration)
