"""Asking for a machine is asking for a fixture.

`boards` builds any machine, and gives its RAM back afterwards; `board` is the one of most tests:
two CPUs of six possible, its guest up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from machine.config import MachineConfig
from tests.machine.board import SIX, SMALL, Board, Make

if TYPE_CHECKING:
    from collections.abc import Iterator

    from machine.topology import Topology


@pytest.fixture
def boards() -> Iterator[Make]:
    made: list[Board] = []

    def make(topology: Topology = SIX, *, boot: bool = True, **config: Any) -> Board:
        made.append(board := Board(MachineConfig(topology, **{"ram_size": SMALL, **config})))
        if boot:
            board.settle()
            board.told.clear()
        return board

    yield make
    for board in made:
        board.machine.close()


@pytest.fixture
def board(boards: Make) -> Board:
    return boards()
