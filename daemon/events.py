"""A machine's events to everyone who listens: QMP clients, and MQTT."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from daemon.translate import vcpu_info, wire_event
from machine.events import (
    MachineEvent,
    Resumed,
    ShutdownRequested,
    Stopped,
    VcpuChanged,
)
from protocol.encode import encode_event

if TYPE_CHECKING:
    from collections.abc import Callable

    from daemon.context import Context


class Publisher(Protocol):
    """Where events and states go besides the monitors (`daemon.mqtt`)."""

    def publish_event(self, name: str, payload: bytes) -> None:
        """Take one event."""

    def publish_vcpu(self, index: int, payload: bytes) -> None:
        """Take the state of one vCPU."""


def wall_time() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000


class EventBridge:
    """Listens to a machine, encodes each event once, and hands it on.

    Args:
        context: the machine and its time.
        broadcast: sends a line to every negotiated client.
        publisher: MQTT, if it was asked for.
        now: microseconds since the epoch, for timestamps.
    """

    def __init__(
        self,
        context: Context,
        broadcast: Callable[[bytes], None],
        *,
        publisher: Publisher | None = None,
        now: Callable[[], int] = wall_time,
    ) -> None:
        self._context = context
        self._broadcast = broadcast
        self._publisher = publisher
        self._now = now
        context.machine.events.listen(self._on_event)

    def publish_all(self) -> None:
        """Publish every vCPU's state, as at start."""
        for index in range(len(self._context.machine.slots)):
            self._publish_vcpu(index)

    def _on_event(self, event: MachineEvent) -> None:
        if isinstance(event, VcpuChanged):
            self._publish_vcpu(event.index)
            return
        if isinstance(event, Stopped | Resumed | ShutdownRequested):
            self._context.follow_run_state()
        wire = wire_event(event)
        if wire is not None:
            line = encode_event(wire, *divmod(self._now(), 1_000_000))
            if self._context.machine.trace.on:
                self._context.machine.trace(
                    "qmp", "monitor_qapi_event_emit", json=line.decode().strip()
                )
            self._broadcast(line)
            if self._publisher is not None:
                self._publisher.publish_event(wire.event_name, line.rstrip())
        if isinstance(event, ShutdownRequested):
            self._context.on_end()

    def _publish_vcpu(self, index: int) -> None:
        if self._publisher is None:
            return
        machine = self._context.machine
        info = vcpu_info(machine, machine.slots[index])
        payload = info.model_dump_json(by_alias=True, exclude_none=True)
        self._publisher.publish_vcpu(index, payload.encode())
