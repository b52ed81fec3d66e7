"""`armvirtd sequence`: what it lists and draws, and what it says to what it can't."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from daemon.main import run
from daemon.sequence import mermaid
from daemon.sequence.steps import Lane, Step
from daemon.sequence.story import Story
from daemon.sequence.svg import draw
from daemon.trace.operations import Kind, Operation
from daemon.trace.writer import FileTrace

if TYPE_CHECKING:
    from pathlib import Path

    from tests.daemon.trace.recorded import Recorded


@pytest.fixture
def trace(recorded: Recorded, tmp_path: Path) -> str:
    """A file: a plug, an unplug, a plug that is refused."""
    recorded.plugs(2)
    recorded.unplugs(2)
    recorded.plugs(9)
    path = tmp_path / "trace.json"
    writer = FileTrace(str(path))
    for point in recorded.points:
        writer(point)
    return str(path)


def test_it_lists_the_operations(trace: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sequence", trace]) == 0
    rows = [line.split(maxsplit=5) for line in capsys.readouterr().out.splitlines()]
    assert [(row[0], row[5]) for row in rows] == [
        ("1", "plug core2: online"),
        ("2", "unplug core2: removed"),
        ("3", "plug core9: refused: Invalid core-id 9 specified, correct range 0:5"),
    ]


def test_it_draws_one_as_mermaid(trace: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sequence", trace, "--op", "1"]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "sequenceDiagram"
    assert "Client->>Vmm: device_add core2 core-id=2" in lines
    assert lines[-1] == "Note over Guest: CPU 2: enabled, online"


def test_it_draws_one_as_svg_into_a_file(
    trace: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "picture.svg"
    assert run(["sequence", trace, "--op", "2", "--format", "svg", "-o", str(path)]) == 0
    assert capsys.readouterr().out == ""
    texts = [node.text for node in ET.parse(path).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314
    assert "unplug core2: removed (3 µs)" in texts
    assert "DEVICE_DELETED" in texts


def test_without_a_number_the_last_one_is_drawn(
    trace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["sequence", trace, "--format", "mermaid"]) == 0
    assert "Client->>Vmm: device_add core9 core-id=9" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "sequence: the following arguments are required: FILE"),
        (["{}", "--op", "4"], "'{}' has no operation 4; there are 1 to 3"),
        (["{}", "--op", "0"], "'{}' has no operation 0; there are 1 to 3"),
        (["{}", "--op", "x"], "sequence: argument --op: invalid int value: 'x'"),
        (["/nonexistent"], "could not open '/nonexistent': No such file or directory"),
        (["/"], "could not open '/': Is a directory"),
        (["/dev/null"], "'/dev/null' is no trace: it is not JSON"),
        (
            ["{}", "--format", "svg", "-o", "/nonexistent/x"],
            "could not write '/nonexistent/x': No such file or directory",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    trace: str, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["sequence", *(word.format(trace) for word in arguments)]) == 1
    assert capsys.readouterr().err == f"armvirtd: {said.format(trace)}\n"


def test_a_trace_without_operations_lists_nothing_and_draws_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "trace"
    path.write_text("[]", encoding="utf-8")
    assert run(["sequence", str(path)]) == 0
    assert run(["sequence", str(path), "--format", "svg"]) == 1
    assert capsys.readouterr() == ("", f"armvirtd: '{path}' has no operations\n")


def test_a_reader_who_has_seen_enough_is_fine(trace: str) -> None:
    code = f"import sys; from daemon.main import run; sys.exit(run(['sequence', {trace!r}]))"
    reader = subprocess.Popen(["true"], stdin=subprocess.PIPE)
    reader.wait()
    assert reader.stdin is not None
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=reader.stdin, stderr=subprocess.PIPE, check=False
    )
    reader.stdin.close()
    assert done.stderr == b""
    assert done.returncode == 1


WAITED = Story(
    Operation(1, Kind.UNPLUG, 0, "core2", 2),
    [
        Step(0, Lane.CLIENT, Lane.VMM, "device_del core2"),
        Step(300, Lane.VMM, Lane.CLIENT, "return; #1"),
        Step(5_200_000_300, Lane.GUEST, Lane.GUEST, "fault: busy"),
    ],
)


def test_a_long_wait_is_marked() -> None:
    assert "5.2 s pass" in draw(WAITED)
    assert "Note over Client,Guest: 5.2 s later" in mermaid.draw(WAITED)


def test_what_would_break_a_mermaid_text_is_left_out() -> None:
    assert "Vmm->>Client: return   1" in mermaid.draw(WAITED)
