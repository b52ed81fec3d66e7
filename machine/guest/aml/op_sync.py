"""Operators that reach out: Notify, mutexes, events, time (ACPI 6.5 §19.6.2, §19.6.99...)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from machine.guest.aml.access import named
from machine.guest.aml.context import FOREVER, NS_PER_MS
from machine.guest.aml.errors import LimitExceededError, MutexError, OperandTypeError
from machine.guest.aml.namespace import NamedObject
from machine.guest.aml.objects import Event, Mutex
from machine.guest.aml.values import ObjectType

if TYPE_CHECKING:
    from machine.guest.aml.access import Builders, Place, Run
    from machine.guest.aml.context import Context, Frame

_NOTIFIED: Final = frozenset({ObjectType.Device, ObjectType.Processor, ObjectType.ThermalZone})
NOTIFY_STEPS: Final = 16  # whoever handles it has more to do than this interpreter
NS_PER_US: Final = 1000
MAX_STALL: Final = 255  # us; the standard says 100, Intel's interpreter refuses from 256 on
MAX_SLEEP: Final = 2000  # ms; where Intel's interpreter cuts what is longer
NS_PER_TICK: Final = 100  # of Timer (§19.6.139)


def _notify(context: Context, place: Place, value: Run) -> Run:
    host = context.host

    def run(frame: Frame) -> None:
        node = named(place.refer(frame))
        if not isinstance(node.content, NamedObject) or node.content.kind not in _NOTIFIED:
            raise OperandTypeError(f"{node.path} cannot be notified")
        frame.chain.budget.spend(NOTIFY_STEPS)
        host.notify(node.path, value(frame))

    return run


def _mutex(place: Place, frame: Frame) -> Mutex:
    node = named(place.refer(frame))
    if not isinstance(node.content, Mutex):
        raise OperandTypeError(f"{node.path} is no Mutex")
    return node.content


def _acquire(context: Context, place: Place, timeout: int) -> Run:
    true = context.mask

    def run(frame: Frame) -> int:
        return 0 if frame.chain.acquire(_mutex(place, frame), timeout) else true

    return run


def _release(_context: Context, place: Place) -> Run:
    return lambda frame: frame.chain.release(_mutex(place, frame))


def _event(place: Place, frame: Frame) -> Event:
    node = named(place.refer(frame))
    if not isinstance(node.content, Event):
        raise OperandTypeError(f"{node.path} is no Event")
    return node.content


def _signal(_context: Context, place: Place) -> Run:
    def run(frame: Frame) -> None:
        _event(place, frame).signals += 1

    return run


def _reset(_context: Context, place: Place) -> Run:
    def run(frame: Frame) -> None:
        _event(place, frame).signals = 0

    return run


def _wait(context: Context, place: Place, timeout: Run) -> Run:
    true = context.mask

    def run(frame: Frame) -> int:
        event, limit = _event(place, frame), timeout(frame)
        if event.signals:
            event.signals -= 1
            return 0
        if limit >= FOREVER:
            raise MutexError("an event is awaited that nobody can signal any more")
        context.host.stall(limit * NS_PER_MS)
        return true

    return run


def _stall(context: Context, microseconds: Run) -> Run:
    def run(frame: Frame) -> None:
        duration = microseconds(frame)
        if duration > MAX_STALL:
            raise LimitExceededError(f"Stall of {duration} us; from {MAX_STALL} on it is Sleep's")
        context.host.stall(duration * NS_PER_US)

    return run


def _sleep(context: Context, milliseconds: Run) -> Run:
    def run(frame: Frame) -> None:
        context.host.stall(min(milliseconds(frame), MAX_SLEEP) * NS_PER_MS)

    return run


def _timer(context: Context) -> Run:
    def run(_frame: Frame) -> int:
        context.host.stall(NS_PER_TICK)  # so that a loop that polls the timer ends
        return context.host.now() // NS_PER_TICK & context.mask

    return run


BUILDERS: Final[Builders] = {
    "Notify": _notify,
    "Acquire": _acquire,
    "Release": _release,
    "Signal": _signal,
    "Wait": _wait,
    "Reset": _reset,
    "Stall": _stall,
    "Sleep": _sleep,
    "Timer": _timer,
}
