from __future__ import annotations

import pytest

from daemon.options.table import UsageError, parse


@pytest.mark.parametrize(
    ("text", "mode", "rate"),
    [
        ("wall", "wall", 1),
        ("stepped", "stepped", 1),
        ("rate=10", "rate", 10),
        ("rate=.5", "rate", 0.5),
    ],
)
def test_a_clock_is_read(text: str, mode: str, rate: float) -> None:
    clock = parse(["--clock", text]).clock
    assert (clock.mode, clock.rate) == (mode, rate)


def test_the_wall_is_the_default() -> None:
    assert parse([]).clock.mode == "wall"


@pytest.mark.parametrize("text", ["", "rate", "rate=0", "rate=-1", "rate=nan", "rate=1e9", "walls"])
def test_another_clock_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expects wall, stepped, or rate=N with a positive"):
        parse(["--clock", text])


def test_a_recording_has_the_command_line_without_secrets() -> None:
    record = parse(["-S", "--mqtt", "mqtt://u:secret@h", "-m", "64M", "--record", "f"]).record
    assert record is not None
    assert (record.path, record.argv) == ("f", ("-S", "-m", "64M", "--record", "f"))


def test_a_recording_needs_a_name() -> None:
    with pytest.raises(UsageError, match="a file's name can't be empty"):
        parse(["--record", ""])
