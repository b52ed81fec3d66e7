"""What possible CPUs cost that are not there: some memory, and a plug or a reset nothing at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from machine import memmap
from machine.topology import Topology
from tests.machine.cost import calls_made, kept_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.machine.board import Board, Make


def plug_and_unplug(board: Board) -> None:
    board.plug(3, "c")
    board.unplug("c")


def reset(board: Board) -> None:
    board.machine.system_reset()


@pytest.mark.parametrize("action", [plug_and_unplug, reset])
def test_an_operation_makes_the_same_calls_among_64_and_among_4096_possible_cpus(
    boards: Make,
    action: Callable[[Board], None],
) -> None:
    costs = []
    for count in (64, 4096):
        board = boards(Topology(2, 1, 1, count, 1), max_cpus=4096)
        for _ in range(2):
            plug_and_unplug(board)  # what is looked up once is known then
        costs.append(calls_made(lambda board=board: action(board)))  # type: ignore[misc]
    assert costs[0] == costs[1] > 0


def test_a_character_on_its_way_to_the_uart_makes_few_calls(boards: Make) -> None:
    vcpu = boards(Topology(1, 1, 1, 2, 1)).machine.vm.vcpus[0]

    def send() -> None:
        vcpu.store(memmap.UART0.base, 4, ord("x"))

    send()  # what is found there once is known then
    assert calls_made(send) <= 10, "the exit, user space and the device: a console has thousands"


def test_a_parked_vcpu_costs_less_than_two_kilobytes(boards: Make) -> None:
    def parked(count: int) -> int:
        topology = Topology(1, 1, 1, count, 1)
        boards(topology, boot=False)  # the tables are kept from here on
        return kept_by(lambda: boards(topology, boot=False))[1]

    assert (parked(512) - parked(256)) / 256 < 2048
