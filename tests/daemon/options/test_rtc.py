"""-rtc, and the second that comes of it."""

from __future__ import annotations

import calendar
import time

import pytest

from daemon.options.table import UsageError, parse
from daemon.timekeeping import seconds


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("base=utc", "utc"),
        ("base=localtime,clock=vm,driftfix=none", "localtime"),
        ("clock=vm", "utc"),
        ("base=2006-06-17T16:01:21", 1150560081),
        ("base=2006-06-17", 1150502400),
        ("base=1970-1-1", 0),
    ],
)
def test_a_base_is_the_start_or_a_date(text: str, base: object) -> None:
    assert parse(["-rtc", text]).rtc == base


def test_without_the_option_it_is_the_start_in_utc() -> None:
    assert parse([]).rtc == "utc"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (f"base={base}", "invalid datetime format; valid formats: '2006-06-17T16:01:21' or '200")
        for base in ("", "x", "2006", "2006-13-01", "2006-02-30", "2006-06-17T25:00:00", "0-1-1")
    ]
    + [
        ("clock=x", "invalid option value 'x'"),
        ("driftfix=x", "invalid option value 'x'"),
        ("clock=host", "clock=host is not modelled: it counts the machine's own time"),
        ("driftfix=slew", "driftfix=slew is not modelled: it counts the machine's own time"),
        ("x=1", "Invalid parameter 'x'"),
    ],
)
def test_what_cannot_be_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(["-rtc", text])
    assert str(refused.value).startswith(f"-rtc {text}: {complaint}")


def test_a_date_is_the_same_at_any_time_and_the_start_is_now() -> None:
    assert seconds(1150560081) == 1150560081
    before = int(time.time())
    assert before <= seconds("utc") <= time.time()
    local = calendar.timegm(time.localtime())
    assert local <= seconds("localtime") <= calendar.timegm(time.localtime())
