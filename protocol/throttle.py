"""Events at no more than their rate (QMP specification, "Asynchronous events": rate limiting).

The first event of its kind is sent at once.  Of those that follow within the interval only the last
is sent, when the interval ends, and begins another.  Kinds are told apart by the event, and where
its declaration names a key, by the value of that member too, so that two devices do not take each
other's turn.  There is no clock in here: the time is given, and asked for.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from protocol.event import Event

Payload = TypeVar("Payload")
_Kind = tuple[type[Event], Hashable]


@dataclass(slots=True)
class _Interval(Generic[Payload]):
    """A time in which a kind of event is not sent, and what waits for its end."""

    end: int
    waiting: Payload | None = None


class EventThrottle(Generic[Payload]):
    """Holds back events that come too often; a payload is whatever stands for one."""

    def __init__(self) -> None:
        self._intervals: dict[_Kind, _Interval[Payload]] = {}

    @property
    def due(self) -> int | None:
        """When to ask `release`, None for never."""
        return min((interval.end for interval in self._intervals.values()), default=None)

    def admit(self, event: Event, payload: Payload, now: int) -> bool:
        """Tell whether to send this now; else it is held, and takes the place of an earlier one.

        Args:
            event: what has happened.
            payload: what `release` is to return, should it be held.
            now: nanoseconds, of any clock that does not go back.
        """
        if event.rate is None:
            return True
        interval = self._intervals.get(_kind(event))
        if interval is not None:
            interval.waiting = payload
            return False
        self._intervals[_kind(event)] = _Interval(now + event.rate)
        return True

    def release(self, now: int) -> list[Payload]:
        """Return what is to be sent now, each of a kind whose interval has ended."""
        released: list[Payload] = []
        for kind, interval in list(self._intervals.items()):
            if interval.end > now:
                continue
            del self._intervals[kind]
            if interval.waiting is not None:
                released.append(interval.waiting)
                self._intervals[kind] = _Interval(now + (kind[0].rate or 0))
        return released


def _kind(event: Event) -> _Kind:
    return type(event), None if event.key is None else getattr(event, event.key)
