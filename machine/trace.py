"""Trace points: each layer says what it does, and nobody pays while nobody listens.

A layer holds a `Trace` and writes `if trace.on: trace("kvm", "park_vcpu", vcpu_id=2)`. The names
are those of QEMU's and Linux's own trace points where they have one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine.clock import VirtualClock


class TracePoint(NamedTuple):
    """Something that a layer did at an instant of virtual time (ns)."""

    time: int
    layer: str
    name: str
    fields: dict[str, Any]

    def __str__(self) -> str:
        told = " ".join(f"{key}={_show(value)}" for key, value in self.fields.items())
        return f"{self.time / 1e6:12.6f} ms  {self.layer:<6} {self.name} {told}".rstrip()


def _show(value: Any) -> str:
    return hex(value) if isinstance(value, int) and not isinstance(value, bool) else str(value)


class Trace:
    """Where the layers of one machine report to."""

    def __init__(self, clock: VirtualClock) -> None:
        self.on = False
        self.clock = clock
        self._listeners: list[Callable[[TracePoint], None]] = []

    def listen(self, listener: Callable[[TracePoint], None]) -> None:
        """Have every trace point from now on handed to `listener`."""
        self._listeners.append(listener)
        self.on = True

    def __call__(self, layer: str, name: str, **fields: Any) -> None:
        """Report; callers check `on` first, so that a silent machine formats nothing."""
        point = TracePoint(self.clock.now, layer, name, fields)
        for listener in self._listeners:
            listener(point)
