"""Every recorded line gets the recorded text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.daemon.hmp.recordings import monitor_of, paused, recorded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.box import Box

LINES = recorded("lines.jsonl")
STATUS = recorded("status.jsonl")


@pytest.fixture(scope="module")
def machine() -> Iterator[Box]:
    box = paused()
    yield box
    box.close()


def name_of(row: dict[str, Any]) -> str:
    return ascii(row["line"])


@pytest.mark.parametrize("row", LINES, ids=name_of)
def test_a_line_is_answered_as_recorded(machine: Box, row: dict[str, Any]) -> None:
    assert monitor_of(machine).execute(row["line"]) == row["output"]


def test_the_state_is_told_as_recorded(machine: Box) -> None:
    monitor = monitor_of(machine)
    monitor.execute("cont")
    for row in STATUS:
        assert monitor.execute(row["line"]) == row["output"], row["line"]
    monitor.execute("stop")
