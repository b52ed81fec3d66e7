"""A machine's events to everyone who listens: QMP clients, and MQTT."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

from daemon.translate import vcpu_info, wire_event
from machine.events import (
    Aborted,
    MachineEvent,
    Resumed,
    ShutdownRequested,
    Stopped,
    Suspended,
    VcpuChanged,
    WasReset,
    WokenUp,
)
from protocol.encode import encode_event
from protocol.throttle import EventThrottle

if TYPE_CHECKING:
    from collections.abc import Callable

    from daemon.context import Context
    from machine.clock import VirtualClock
    from machine.planned import PlannedMachine
    from machine.virt import VirtMachine
    from protocol.event import Event


RUN_STATE_CHANGES = (Stopped, Resumed, Suspended, WokenUp, WasReset, ShutdownRequested)
"""Events after which a machine's time passes, or stands still, that did not before."""


class Publisher(Protocol):
    """Where events and states go besides the monitors (`daemon.mqtt`)."""

    def publish_event(self, name: str, payload: bytes) -> None:
        """Take one event."""

    def publish_vcpu(self, index: int, payload: bytes) -> None:
        """Take the state of one vCPU."""


def wall_time() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000


class Timer(Protocol):
    """A call to come."""

    def cancel(self) -> None:
        """Forget it."""


class Alarm(Protocol):
    """Where the intervals of events that are limited are measured."""

    def now(self) -> int:
        """Nanoseconds."""

    def call_at(self, deadline: int, callback: Callable[[], None]) -> Timer:
        """Call once when that time has come."""


class WallAlarm:
    """The event loop's."""

    def now(self) -> int:
        """Nanoseconds since some moment."""
        return time.monotonic_ns()

    def call_at(self, deadline: int, callback: Callable[[], None]) -> Timer:
        """Call once when that time has come."""
        delay = max(deadline - self.now(), 0)
        return asyncio.get_running_loop().call_later(delay / 1e9, callback)


class VirtualAlarm:
    """A machine's, for one whose time is stepped."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def now(self) -> int:
        """Nanoseconds of virtual time."""
        return self._clock.now

    def call_at(self, deadline: int, callback: Callable[[], None]) -> Timer:
        """Call once when virtual time has come there."""
        return self._clock.call_at(deadline, callback)


class EventBridge:
    """Listens to a machine, encodes each event once, and hands it on.

    Args:
        context: the machine and its time.
        broadcast: sends a line to every negotiated client.
        publisher: MQTT, if it was asked for.
        now: microseconds since the epoch, for timestamps.
        alarm: for events that may not come too often; the wall's if not given.
    """

    def __init__(
        self,
        context: Context,
        broadcast: Callable[[bytes], None],
        *,
        publisher: Publisher | None = None,
        now: Callable[[], int] = wall_time,
        alarm: Alarm | None = None,
    ) -> None:
        self._context = context
        self._broadcast = broadcast
        self._publisher = publisher
        self._now = now
        self._alarm = alarm or WallAlarm()
        self._timer: Timer | None = None
        self._throttle: EventThrottle[tuple[Event, bytes]] = EventThrottle()
        self.follow(context.current)

    def follow(self, machine: VirtMachine | PlannedMachine) -> None:
        """Listen to a machine that has come to be."""
        machine.events.listen(self._on_event)

    def publish_all(self) -> None:
        """Publish every vCPU's state, as at start; before the machine is created there is none."""
        if self._context.stage.planned is None:
            for index in range(len(self._context.machine.slots)):
                self._publish_vcpu(index)

    def _on_event(self, event: MachineEvent) -> None:
        if isinstance(event, VcpuChanged):
            self._publish_vcpu(event.index)
            return
        if isinstance(event, Aborted):
            self._context.on_abort()
            return
        if isinstance(event, RUN_STATE_CHANGES):
            self._context.follow_run_state()
        wire = wire_event(event)
        if wire is not None:
            self.send(wire)
        if isinstance(event, ShutdownRequested) and self._context.current.ended:
            self._context.on_end()

    def send(self, event: Event) -> None:
        """Send an event to all, stamped with the present; later, if it comes too often."""
        line = encode_event(event, *divmod(self._now(), 1_000_000))
        if self._throttle.admit(event, (event, line), self._alarm.now()):
            self._emit(event, line)
        if event.rate is not None:
            self._wait()

    def _wait(self) -> None:
        """Come back when the next interval ends."""
        if self._timer is not None:
            self._timer.cancel()
        due = self._throttle.due
        self._timer = None if due is None else self._alarm.call_at(due, self._release)

    def _release(self) -> None:
        for event, line in self._throttle.release(self._alarm.now()):
            self._emit(event, line)
        self._wait()

    def _emit(self, event: Event, line: bytes) -> None:
        if self._context.stepping is not None:
            self._context.stepping.told(event)
        if self._context.current.trace.on:
            self._context.current.trace(
                "qmp", "monitor_qapi_event_emit", json=line.decode().strip()
            )
        self._broadcast(line)
        if self._publisher is not None:
            self._publisher.publish_event(event.event_name, line.rstrip())

    def _publish_vcpu(self, index: int) -> None:
        if self._publisher is None:
            return
        machine = self._context.machine
        info = vcpu_info(machine, machine.slots[index])
        payload = info.model_dump_json(by_alias=True, exclude_none=True)
        self._publisher.publish_vcpu(index, payload.encode())
