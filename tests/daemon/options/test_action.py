"""-action, -no-reboot, -no-shutdown: what is done when the guest reboots, powers off or panics."""

from __future__ import annotations

import pytest

from daemon.options.table import UsageError, parse
from machine.actions import (
    Actions,
    PanicAction,
    RebootAction,
    ShutdownAction,
    WatchdogAction,
)


@pytest.mark.parametrize(
    ("words", "actions"),
    [
        ("", Actions()),
        ("-no-reboot", Actions(reboot=RebootAction.SHUTDOWN)),
        ("-no-shutdown", Actions(shutdown=ShutdownAction.PAUSE)),
        ("-action panic=exit-failure", Actions(panic=PanicAction.EXIT_FAILURE)),
        ("-action watchdog=none", Actions(watchdog=WatchdogAction.NONE)),
        (
            "-action reboot=shutdown,panic=none -action shutdown=pause",
            Actions(RebootAction.SHUTDOWN, ShutdownAction.PAUSE, PanicAction.NONE),
        ),
        ("-no-shutdown -action shutdown=poweroff", Actions()),
        ("-action shutdown=poweroff -no-shutdown", Actions(shutdown=ShutdownAction.PAUSE)),
    ],
)
def test_what_is_said_adds_up_and_the_last_word_counts(words: str, actions: Actions) -> None:
    assert parse(words.split()).machine.actions == actions


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("panic=debug", "Parameter 'panic' does not accept value 'debug'"),
        ("panic=Pause", "Parameter 'panic' does not accept value 'Pause'"),
        ("shutdown=none", "Parameter 'shutdown' does not accept value 'none'"),
        ("reboot=", "Parameter 'reboot' does not accept value ''"),
        ("watchdog=x", "Parameter 'watchdog' does not accept value 'x'"),
        ("panic=none,foo=1", "Invalid parameter 'foo'"),
        ("pause", "Invalid parameter 'pause'"),
        ("id=a,panic=none", "Invalid parameter 'id'"),
    ],
)
def test_what_cannot_be_is_refused_in_qemus_words(text: str, complaint: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(["-action", text])
    assert str(refused.value) == f"-action {text}: {complaint}"
