"""What a daemon's clock configuration means: who moves time, and who tells it."""

from __future__ import annotations

import calendar
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from daemon.events import Alarm, VirtualAlarm, WallAlarm, wall_time
from daemon.runner import Runner
from daemon.stepped import SteppedRunner
from daemon.stepping import SLICE, Stepping

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from daemon.config import DaemonConfig, RtcBase
    from machine.clock import VirtualClock

EPOCH = 946_684_800
"""Seconds since 1970 at which a stepped machine begins, unless `-rtc` says otherwise: the year
2000. Its events are stamped with the time that its real time clock shows."""

NO_THREAD = 1 << 22
"""The thread id that a stepped machine tells: Linux gives none that high (PID_MAX_LIMIT), so that
nobody is pinned by it."""


def seconds(base: RtcBase, *, stepped: bool = False) -> int:
    """What the real time clock begins with, in seconds since 1970; local time has its offset."""
    if isinstance(base, int):
        return base
    if stepped:
        return EPOCH
    return int(time.time()) if base == "utc" else calendar.timegm(time.localtime())


R = TypeVar("R", Runner, SteppedRunner)


@dataclass(frozen=True, slots=True)
class Timekeeping(Generic[R]):
    """How time is kept.

    Attributes:
        runner: moves the machine's.
        stepping: steps it, where nothing else does.
        now: microseconds since 1970, for timestamps.
        alarm: measures intervals between events.
        thread_id: of the thread that runs every vCPU.
    """

    runner: R
    stepping: Stepping | None
    now: Callable[[], int]
    alarm: Alarm
    thread_id: int


AnyTimekeeping = Timekeeping[Runner] | Timekeeping[SteppedRunner]


def timekeeping(
    config: DaemonConfig, clock: VirtualClock, rtc_base: int, loop: asyncio.AbstractEventLoop
) -> AnyTimekeeping:
    """Keep time as configured.

    Args:
        config: what was asked for.
        clock: the machine's.
        rtc_base: what its real time clock begins with, in seconds since 1970.
        loop: where the wall's time is waited for.
    """
    if config.clock.stepped:
        return stepped(clock, rtc_base)
    runner = Runner(clock, loop=loop, rate=config.clock.rate)
    # What is recorded must follow from the machine's own time.
    alarm = WallAlarm() if config.record is None else VirtualAlarm(clock)
    return Timekeeping(runner, None, wall_time, alarm, os.getpid())


def stepped(
    clock: VirtualClock, rtc_base: int, *, slice_: int = SLICE
) -> Timekeeping[SteppedRunner]:
    """Keep time by steps; see `Stepping` for their slices."""
    runner = SteppedRunner(clock)
    stepping = Stepping(runner, slice_=slice_)
    start = rtc_base * 1_000_000
    return Timekeeping(
        runner, stepping, lambda: start + clock.now // 1000, VirtualAlarm(clock), NO_THREAD
    )
