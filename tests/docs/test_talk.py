"""docs/the-talk.md: every point, code that is there, and ways to look that show something."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from daemon.commands import COMMANDS
from machine.clock import VirtualClock
from machine.config import MachineConfig
from machine.trace import Trace
from machine.virt import VirtMachine
from tests.docs.pages import ROOT, codes, read, rows

if TYPE_CHECKING:
    from pathlib import Path

ROWS = list(rows(read("docs/the-talk.md")))
POINTS = [row[0].split()[0] for row in ROWS]
SHELL = [match[1] for row in ROWS for match in re.finditer(r"shell: `([^`]+)`", row[3])]
QMP = [match[1] for row in ROWS for match in re.finditer(r"QMP: `([^`]+)`(?! is refused)", row[3])]


def test_every_point_is_there_in_its_order() -> None:
    assert list(dict.fromkeys(POINTS)) == [f"T{n}" for n in range(1, 28)]


def test_states_are_one_of_three() -> None:
    assert {row[4] for row in ROWS} == {"works", "partly", "later"}


@pytest.mark.parametrize("row", ROWS, ids=POINTS)
def test_what_works_is_in_the_code_and_can_be_seen(row: list[str]) -> None:
    _, _, where, how, state, still_open = row
    assert (state == "works") or still_open != "-"
    if state == "works":
        assert where != "-"
        assert how != "-"
    file = ""
    for code in codes(where):
        if code.endswith(".py"):
            file = (ROOT / code).read_text(encoding="utf-8")
        elif not code.endswith(".md"):
            assert re.search(rf"^\s*(?:class|def) {code}\b", file, re.MULTILINE), code


@pytest.mark.parametrize("line", QMP)
def test_what_is_to_be_typed_at_the_monitor_is_a_command(line: str) -> None:
    assert line.split(maxsplit=1)[0] in COMMANDS


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trace of a boot, a plug and an unplug."""
    folder = tmp_path_factory.mktemp("story")
    trace = Trace(VirtualClock())
    lines: list[str] = []
    trace.listen(lambda point: lines.append(f"{point}\n"))
    machine = VirtMachine(MachineConfig(), trace)
    machine.clock.run_until_idle()
    machine.device_add({"driver": "cortex-a72-arm-cpu", "id": "core2", "core-id": 2})
    machine.clock.run_until_idle()
    machine.device_del("core2")
    machine.clock.run_until_idle()
    machine.close()
    (folder / "trace.txt").write_text("".join(lines), encoding="utf-8")
    return folder


@pytest.mark.parametrize("line", [line for line in SHELL if line.endswith("trace.txt")])
def test_what_is_to_be_looked_for_in_the_trace_is_there(line: str, story: Path) -> None:
    found = subprocess.run(
        ["sh", "-c", line], cwd=story, capture_output=True, text=True, check=True
    )
    assert found.stdout
