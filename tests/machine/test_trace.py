"""Trace points of a whole plug and unplug: which crossings are told, and in which order."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from machine.guest.aml.interpreter import Interpreter

if TYPE_CHECKING:
    from machine.trace import TracePoint
    from tests.machine.board import Board, Make

BEGINS, ENDS = "acpi_ds_begin_method_execution", "acpi_ds_terminate_control_method"


@pytest.fixture
def traced(boards: Make) -> tuple[Board, list[TracePoint]]:
    """A board that is up, and what is told from then on."""
    board = boards()
    points: list[TracePoint] = []
    board.machine.trace.listen(points.append)
    return board, points


def names(points: list[TracePoint], layer: str) -> list[str]:
    return [point.name for point in points if point.layer == layer]


def test_a_plug_is_told_from_its_checks_to_the_finished_object(
    traced: tuple[Board, list[TracePoint]],
) -> None:
    board, points = traced
    board.plug(2, "core2")
    told = names(points, "vmm")
    assert told[:2] == ["cpu_pre_plug", "qdev_realize"]
    assert told.index("wire_gic_cpu_irqs") < told.index("cpu_plug")
    assert points[0].fields == {"index": 2, "id": "core2", "hotplugged": True}


def test_every_way_into_the_guest_has_its_way_out(traced: tuple[Board, list[TracePoint]]) -> None:
    board, points = traced
    board.plug(2, "core2")
    board.unplug("core2")
    told = [
        (point.name, point.fields["vcpu_id"])
        for point in points
        if point.name in {"kvm_entry", "kvm_userspace_exit"}
    ]
    assert {cpu for _, cpu in told} >= {0, 2}
    for (entry, there), (leave, back) in zip(told[::2], told[1::2], strict=True):
        assert (entry, leave) == ("kvm_entry", "kvm_userspace_exit")
        assert there == back


def test_methods_of_aml_are_told_as_they_nest(traced: tuple[Board, list[TracePoint]]) -> None:
    board, points = traced
    board.plug(2, "core2")
    calls: list[str] = []
    nested: set[tuple[str, str]] = set()
    for point in points:
        if point.name == BEGINS:
            nested |= {(caller, point.fields["path"]) for caller in calls[-1:]}
            calls.append(point.fields["path"])
        elif point.name == ENDS:
            assert calls.pop() == point.fields["path"]
    assert not calls
    assert (r"\_SB.CPUS.CSCN", r"\_SB.CPUS.CTFY") in nested
    assert (r"\_SB.CPUS.C002._STA", r"\_SB.CPUS.CSTA") in nested


def test_a_method_in_which_the_cpu_goes_is_told_to_its_end(
    traced: tuple[Board, list[TracePoint]],
) -> None:
    board, points = traced
    board.plug(2, "core2")
    board.unplug("core2")
    told = names(points, "aml")
    assert told.count(BEGINS) == told.count(ENDS) > 0


def test_nobody_watches_the_interpreter_while_nobody_listens(
    boards: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    board, watchers = boards(), []
    monkeypatch.setattr(Interpreter, "watch", lambda _self, watcher: watchers.append(watcher))
    board.plug(2, "core2")
    assert set(watchers) == {None}


def test_calls_that_kvm_answers_itself_are_told(traced: tuple[Board, list[TracePoint]]) -> None:
    board, points = traced
    board.plug(2, "core2")
    board.unplug("core2")
    (asked,) = (point for point in points if point.name == "AFFINITY_INFO")
    assert asked.fields == {"cpu": 0, "target": 2, "result": 1}


def test_an_interrupt_of_a_cpu_s_own_timer_is_told(boards: Make) -> None:
    board = boards()
    points: list[TracePoint] = []
    board.machine.trace.listen(points.append)
    line = board.vcpu().virt_timer.line
    line.set(True)
    line.set(False)
    told = [point.fields for point in points if point.name == "vgic_update_irq_pending"]
    assert [fields["level"] for fields in told] == [1, 0]
    assert told[0] == {"cpu": 0, "irq": 27, "level": 1}


def test_time_never_goes_back_in_a_trace(traced: tuple[Board, list[TracePoint]]) -> None:
    board, points = traced
    board.plug(2, "core2")
    assert all(before.time <= after.time for before, after in pairwise(points))
