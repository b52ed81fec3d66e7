"""Events, as they are listed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from daemon.top.ost import in_words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

WALL_TIMES = range(946_684_800, 253_402_300_800)
"""Seconds from 2000 to 9999: what is before is the time of a machine with a clock of its own."""


@dataclass(frozen=True, slots=True)
class Happening:
    """An event: when, what, and its data in a few words."""

    time: str
    name: str
    text: str = ""


def happening(event: Mapping[str, Any], zone: tzinfo | None = None) -> Happening:
    """Tell how an event is listed; whatever it holds.

    Args:
        event: as it came.
        zone: of wall times; None for the one in which we are.
    """
    name, data = str(event.get("event")), event.get("data")
    return Happening(_time(event.get("timestamp"), zone), name, _text(data))


def _time(stamp: Any, zone: tzinfo | None) -> str:
    match stamp:
        case {"seconds": int(seconds), "microseconds": int(micros)} if seconds in WALL_TIMES:
            at = datetime.fromtimestamp(seconds, UTC).astimezone(zone)
            return f"{at:%H:%M:%S}.{micros // 1000:03}"
        case {"seconds": int(seconds), "microseconds": int(micros)} if seconds >= 0:
            return f"{seconds}.{micros:06}"
    return "-"


def _text(data: Any) -> str:
    match data:
        case {"info": {"slot": slot, "source": int(source), "status": int(status), **rest}}:
            device = f" {rest['device']}" if "device" in rest else ""
            return f"slot {slot}{device}: {in_words(source, status)}"
        case dict():
            return " ".join(f"{key}={_scalar(value)}" for key, value in data.items())
    return ""


def _scalar(value: Any) -> str:
    return "..." if isinstance(value, dict | list) else str(value)
