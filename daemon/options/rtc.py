"""What -rtc says: which second the real time clock begins with."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from daemon.options.parameters import Group, Parameter
from daemon.options.usage import UsageError

if TYPE_CHECKING:
    from daemon.config import RtcBase

RTC = Group(
    "rtc",
    (
        Parameter("base", shape="utc|localtime|DATETIME", default="utc"),
        Parameter("clock", shape="vm"),
        Parameter("driftfix", shape="none", default="none"),
    ),
)

MODELLED = {"clock": ("vm", "host", "rt"), "driftfix": ("none", "slew")}
"""What is modelled, and QEMU's other words."""

_DATETIME = re.compile(r"\d{1,4}-\d{1,2}-\d{1,2}(T\d{1,2}:\d{1,2}:\d{1,2})?", re.ASCII)


def parse_rtc(text: str) -> RtcBase:
    """Read -rtc's argument; gives what the clock begins with.

    Raises:
        UsageError: what it asks for can't be, or is not modelled.
    """
    given = RTC.read(text)
    for key, known in MODELLED.items():
        _check(key, given.text(key), known)
    base = given.text("base")
    if base is None or base == "utc":
        return "utc"
    return "localtime" if base == "localtime" else _seconds(base)


def _check(key: str, value: str | None, known: tuple[str, ...]) -> None:
    if value is None or value == known[0]:
        return
    if value not in known:
        raise UsageError(f"invalid option value '{value}'")
    raise UsageError(f"{key}={value} is not modelled: it counts the machine's own time")


def _seconds(text: str) -> int:
    """Seconds since 1970 of a date, with or without a time."""
    refusal = "invalid datetime format; valid formats: '2006-06-17T16:01:21' or '2006-06-17'"
    if not _DATETIME.fullmatch(text):
        raise UsageError(refusal)
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    year, month, day, hour, minute, second = [*numbers, 0, 0, 0][:6]
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        return int(moment.timestamp())
    except ValueError:
        raise UsageError(refusal) from None
