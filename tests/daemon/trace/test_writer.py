"""Files of trace events: complete at any time, read again, and never a reason to stop."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from daemon.trace import writer
from daemon.trace.reader import TraceFileError, read_trace
from daemon.trace.writer import FileTrace, open_trace
from machine.trace import TracePoint

if TYPE_CHECKING:
    from pathlib import Path

    from tests.daemon.trace.recorded import Recorded


def write(recorded: Recorded, path: Path) -> FileTrace:
    trace = FileTrace(str(path))
    for point in recorded.points:
        trace(point)
    return trace


def as_json(point: TracePoint) -> TracePoint:
    """A point as a file can have it."""
    text = json.dumps(point.fields, default=lambda value: value.hex())
    return point._replace(fields=json.loads(text))


def test_what_is_written_is_read_again(recorded: Recorded, tmp_path: Path) -> None:
    recorded.plugs(2)
    write(recorded, tmp_path / "trace").close()
    assert json.loads((tmp_path / "trace").read_text(encoding="utf-8"))
    assert read_trace(str(tmp_path / "trace")) == [as_json(point) for point in recorded.points]


def test_a_file_that_is_not_finished_has_all_that_came(recorded: Recorded, tmp_path: Path) -> None:
    trace = write(recorded, tmp_path / "trace")
    assert len(read_trace(str(tmp_path / "trace"))) == len(recorded.points)
    assert json.loads((tmp_path / "trace").read_text(encoding="utf-8") + "]")
    trace.close()


def test_a_machine_that_never_came_to_be_leaves_an_empty_trace(tmp_path: Path) -> None:
    FileTrace(str(tmp_path / "trace")).close()
    events = json.loads((tmp_path / "trace").read_text(encoding="utf-8"))
    assert {event["ph"] for event in events} == {"M"}


@pytest.mark.parametrize("cut", [1, 2, 17, 400])
def test_a_file_that_was_cut_off_is_read_up_to_there(
    recorded: Recorded, tmp_path: Path, cut: int
) -> None:
    write(recorded, tmp_path / "trace").close()
    data = (tmp_path / "trace").read_bytes()
    (tmp_path / "trace").write_bytes(data[:-cut])
    whole = [as_json(point) for point in recorded.points]
    found = read_trace(str(tmp_path / "trace"))
    assert len(found) > len(whole) - 10
    assert found == whole[: len(found)]


@pytest.mark.parametrize("text", ["", "hello", "{}", "7", '{"traceEvents": 1}', "null"])
def test_what_is_no_trace_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TraceFileError, match="is no trace"):
        read_trace(str(path))


def test_events_of_others_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_text('{"traceEvents": [{"ph": "i"}, 3, {"args": {"ns": 1}}]}', encoding="utf-8")
    assert read_trace(str(path)) == []


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(TraceFileError, match="it is not UTF-8"):
        read_trace(str(path))


def test_a_full_disk_ends_the_trace_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    trace = open_trace("/dev/full")
    for _ in range(3):
        trace(TracePoint(0, "kvm", "kvm_park_vcpu", {"vcpu_id": 1}))
    trace.close()
    assert caplog.messages == ["/dev/full: No space left on device; the trace ends here"]


def test_a_pipe_that_nobody_reads_ends_the_trace(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PATIENCE", 0)
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    trace = FileTrace(str(tmp_path / "pipe"))
    for _ in range(1000):
        trace(TracePoint(0, "qmp", "monitor_qmp_respond", {"json": "x" * 1000}))
    trace.close()
    os.close(reader)
    assert len(caplog.messages) == 1
    assert caplog.messages[0].endswith("the trace ends here")


def test_a_pipe_without_a_reader_can_t_be_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="No such device or address"):
        open_trace(str(tmp_path / "pipe"))


def test_each_point_is_written_at_once_and_bounded(tmp_path: Path) -> None:
    trace = FileTrace(str(tmp_path / "trace"))
    trace(TracePoint(0, "kvm", "kvm_park_vcpu", {"vcpu_id": 1}))
    before = (tmp_path / "trace").stat().st_size
    trace(TracePoint(0, "qmp", "monitor_qmp_respond", {"json": "x" * 10_000_000}))
    assert 0 < (tmp_path / "trace").stat().st_size - before < 5_000
    trace.close()
