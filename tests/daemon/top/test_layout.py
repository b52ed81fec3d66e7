"""The map: where CPUs stand, and what there is room for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.top.layout import by_node, lines
from daemon.top.model import Cpu
from daemon.top.view import the_map
from tests.daemon.top.machines import machine, machines

if TYPE_CHECKING:
    from daemon.top.model import Snapshot

SIZES = {"width": st.integers(20, 200), "height": st.integers(1, 60)}


def drawn(snapshot: Snapshot, width: int = 80, height: int = 20) -> list[str]:
    return [str(line) for line in the_map(snapshot.cpus, width, height)]


def test_a_machine_without_levels_is_a_row_of_blocks() -> None:
    assert drawn(machine("##########..", socket=1, cluster=1, core=12, thread=1)) == [
        " 0 ######## ##..",
    ]


def test_threads_of_a_core_stand_together_and_groups_have_their_row() -> None:
    assert drawn(machine("###o.... +-!p....", socket=2, cluster=2, core=2, thread=2)) == [
        "socket 0 cluster 0   0 ## #o",
        "socket 0 cluster 1   4 .. ..",
        "socket 1 cluster 0   8 +- !p",
        "socket 1 cluster 1  12 .. ..",
    ]


def test_a_level_of_which_there_is_one_is_not_told() -> None:
    assert drawn(machine("####....", socket=2, die=1, core=4, thread=1)) == [
        "socket 0  0 ####",
        "socket 1  4 ....",
    ]


def test_sockets_of_one_core_are_a_row_of_sockets() -> None:
    assert drawn(machine("##..", socket=4, core=1, thread=1)) == ["0 ##.."]


def test_sockets_of_two_threads_are_a_row_of_pairs() -> None:
    assert drawn(machine("##..", socket=2, core=1, thread=2)) == ["0 ## .."]


def test_rows_are_broken_between_cores_and_say_where_they_go_on() -> None:
    assert drawn(machine("#" * 16, socket=1, core=8, thread=2), width=15) == [
        " 0 ## ## ## ##",
        " 8 ## ## ## ##",
    ]


def test_labels_are_short_where_there_is_little_room() -> None:
    assert drawn(machine("####....", socket=2, die=2, core=2), width=30) == [
        "so0 di0  0 ##",
        "so0 di1  2 ##",
        "so1 di0  4 ..",
        "so1 di1  6 ..",
    ]


def test_rows_come_beside_each_other_where_there_is_no_room_below() -> None:
    assert drawn(machine("####" * 4, socket=4, core=4), width=40, height=2) == [
        "socket 0   0 ####  socket 1   4 ####",
        "socket 2   8 ####  socket 3  12 ####",
    ]


def test_rows_that_look_the_same_are_put_into_words_where_there_is_no_room_at_all() -> None:
    assert drawn(machine("####" + "...." * 6 + "+...", socket=8, core=4), width=40, height=3) == [
        "socket 0   0 ####",
        "socket 1   4 to 27: 24 absent",
        "socket 7  28 +...",
    ]


def test_what_comes_last_is_counted_if_even_that_is_too_much() -> None:
    assert drawn(machine("###." * 8, socket=8, core=4), width=20, height=3) == [
        "so0   0 ###.",
        "so1   4 ###.",
        "so2   8 on: 18 online, 6 absent",
    ]


def test_4096_cpus_are_a_useful_picture() -> None:
    letters = "#" * 100 + "+" + "." * 3995
    shown = drawn(machine(letters, socket=64, core=64), width=100, height=12)
    assert shown == [
        f"socket 0      0 {' '.join(['########'] * 8)}",
        f"socket 1     64 {' '.join(['########'] * 4)} ####+... {' '.join(['........'] * 3)}",
        "socket 2    128 to 4095: 3968 absent",
    ]


def test_one_socket_of_4096_cores_is_too() -> None:
    shown = drawn(machine("#" * 100 + "." * 3996, socket=1, core=4096), width=100, height=12)
    assert shown[0] == f"   0 {' '.join(['########'] * 10)}"
    assert shown[2] == " 160 to 4095: 3936 absent"


@given(machines(), SIZES["width"], SIZES["height"])
def test_every_cpu_is_in_the_map_once_and_the_map_has_its_height(
    snapshot: Snapshot, width: int, height: int
) -> None:
    shown = lines(snapshot.cpus, width, height)
    assert len(shown) <= height
    assert [cpu for line in shown for row in line for cpu in row.cpus] == [*snapshot.cpus]


@given(machines(), st.integers(40, 200))
def test_rows_of_cpus_have_their_width(snapshot: Snapshot, width: int) -> None:
    for line in lines(snapshot.cpus, width, 1000):
        assert sum(row.width for row in line) + 2 * (len(line) - 1) <= width


def test_cpus_that_say_nothing_of_themselves_are_drawn() -> None:
    cpus = (Cpu(-1), Cpu(-1, (("core", 1),)), Cpu(3, (("socket", 0), ("core", 1))))
    assert [cpu for line in lines(cpus, 80, 5) for row in line for cpu in row.cpus] == [*cpus]


@pytest.mark.parametrize(("width", "height"), [(0, 0), (1, 1), (5, 1)])
def test_no_terminal_is_too_small(width: int, height: int) -> None:
    assert len(drawn(machine("#." * 32, socket=4, core=8, thread=2), width, height)) == 1


def test_nodes_have_their_cpus() -> None:
    nodes = by_node(machine("##..", core=4, nodes=[1, 0, 1, 0]).cpus)
    assert {n: [cpu.index for cpu in cpus] for n, cpus in nodes.items()} == {0: [1, 3], 1: [0, 2]}
