"""What --clock and --seed say."""

from __future__ import annotations

import re

from daemon.config import ClockConfig
from daemon.options.usage import UsageError

_RATE = re.compile(r"rate=(?P<rate>[0-9]{1,9}(\.[0-9]{1,9})?|\.[0-9]{1,9})", re.ASCII)


def parse_clock(text: str) -> ClockConfig:
    """Read --clock's argument.

    Raises:
        UsageError: there is no such clock.
    """
    if text in {"wall", "stepped"}:
        return ClockConfig(mode="stepped" if text == "stepped" else "wall")
    found = _RATE.fullmatch(text)
    if found is None or not (rate := float(found["rate"])):
        raise UsageError("expects wall, stepped, or rate=N with a positive number N, such as 0.1")
    return ClockConfig(mode="rate", rate=rate)
