"""The screen: letters and colours, and no more than a terminal holds."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.style import Style

from daemon.top.happenings import Happening
from daemon.top.model import LOOKS, CpuState, Snapshot
from daemon.top.table import plain
from daemon.top.view import legend, screen, the_map
from tests.daemon.top.machines import machine, machines

if TYPE_CHECKING:
    from rich.text import Text

HAPPENED = [Happening(f"12:00:0{n}.000", "STOP", f"n={n}") for n in range(9)]


def text(lines: list[Text]) -> str:
    return "\n".join(str(line) for line in lines)


def test_every_state_has_a_letter_and_a_colour_of_its_own() -> None:
    assert set(LOOKS) == set(CpuState)
    assert len({look.letter for look in LOOKS.values()}) == len(LOOKS)
    assert len({Style.parse(look.style) for look in LOOKS.values()}) == len(LOOKS)
    assert all(len(look.letter) == 1 for look in LOOKS.values())


@pytest.mark.parametrize("state", CpuState)
def test_a_cpu_has_the_letter_and_the_colour_of_its_state(state: CpuState) -> None:
    look = LOOKS[state]
    (row,) = the_map(machine(look.letter, core=1).cpus, 80, 5)
    assert str(row) == f"0 {look.letter}"
    assert [span.style for span in row.spans if span.start == 2] == [look.style]


def test_a_screen_tells_all_that_there_is() -> None:
    shown = machine("##o.+-!.", socket=2, core=4, nodes=[0] * 4 + [1] * 4)
    assert (
        text(screen(shown, HAPPENED[:2], 100, 24))
        == """\
armvirtd top  demo  running  QEMU 9.1.50  q: end

socket 0  0 ##o.
socket 1  4 +-!.

# 2 online  o 1 offline  p 0 plugged  + 1 inserting  - 1 removing  ! 1 troubled  . 2 absent
node 0: 2 online, 1 offline, 1 absent  node 1: 1 inserting, 1 removing, 1 troubled, 1 absent
CPU 4 core4: inserting
CPU 5 core5: removing
CPU 6 core6: online, eject request: busy

Events
12:00:00.000 STOP n=0
12:00:01.000 STOP n=1"""
    )


def test_the_last_events_are_shown_the_newest_at_the_bottom() -> None:
    shown = text(screen(machine("##", core=2), HAPPENED, 100, 10)).splitlines()
    assert shown[-3:] == [f"12:00:0{n}.000 STOP n={n}" for n in (6, 7, 8)]


def test_a_machine_that_tells_little_has_another_legend_and_says_why() -> None:
    told = replace(machine("PP.", core=3), unknown=("what is in the guest",))
    shown = text(screen(told, [], 100, 24))
    assert "P 2 present  - 0 removing  ! 0 troubled  . 1 absent" in shown
    assert "online" not in shown
    assert "Not known: what is in the guest" in shown


def test_many_cpus_that_move_are_counted() -> None:
    shown = text(screen(machine("+" * 20, core=20), [], 100, 40))
    assert "CPU 2 core2: inserting\nand 17 lines of CPUs more" in shown


@given(machines(), st.integers(1, 150), st.integers(1, 50), st.integers(0, 9))
def test_no_line_is_too_long_and_there_are_not_too_many(
    snapshot: Snapshot, width: int, height: int, count: int
) -> None:
    drawn = screen(snapshot, HAPPENED[:count], width, height)
    assert 0 < len(drawn) <= height
    assert all(line.cell_len <= width for line in drawn)


def test_a_machine_that_has_said_nothing_yet_is_a_screen_too() -> None:
    assert "no CPU is known" in text(screen(Snapshot(), [], 80, 24))


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_the_legend_is_whole_at_any_width(width: int) -> None:
    told = text(legend(machine("#", core=1), width))
    assert all(f"{LOOKS[state].letter} " in told for state in CpuState if state.value != "present")


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_there_is_no_colour_where_none_is_wanted(no_color: str, *, coloured: bool) -> None:
    out = io.StringIO()
    environment = {"TERM": "xterm-256color", **({"NO_COLOR": no_color} if no_color else {})}
    console = Console(file=out, force_terminal=True, _environ=environment, width=80)
    for line in screen(machine("##!.", core=4), [], 80, 24):
        console.print(line)
    assert ("\x1b[1;32m" in out.getvalue()) is coloured
    assert ("32m" in out.getvalue()) is coloured


def test_the_plain_table_has_a_line_for_each_cpu() -> None:
    shown = machine("#o!.", socket=2, core=2, nodes=[0, 0, 1, 1])
    assert plain(replace(shown, unknown=("this",))) == [
        "demo  running  QEMU 9.1.50",
        "1 online, 1 offline, 1 troubled, 1 absent",
        "not known: this",
        "",
        "CPU  socket  core  node  state    device  last report, or trouble",
        "0    0       0     0     online   core0   -",
        "1    0       1     0     offline  core1   -",
        "2    1       0     1     online!  core2   eject request: busy",
        "3    1       1     1     absent   -       -",
    ]


def test_a_plain_table_of_nothing_says_so() -> None:
    assert plain(Snapshot(status="prelaunch")) == ["prelaunch", "no CPU is known"]
