"""CPUs in the QOM tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from machine.errors import DeviceNotFoundError, MachineError
from machine.events import (
    DeviceDeleted,
)

if TYPE_CHECKING:
    from tests.machine.board import Board


def test_boot_cpus_are_unattached_and_plugged_ones_peripheral(board: Board) -> None:
    board.plug(2, "core2")
    board.plug(3)
    board.plug(4)
    paths = [cpu.path for _, cpu in board.machine.cpus()]
    assert paths == [
        "/machine/unattached/device[0]",
        "/machine/unattached/device[1]",
        "/machine/peripheral/core2",
        "/machine/peripheral-anon/device[0]",
        "/machine/peripheral-anon/device[1]",
    ]
    assert [board.machine.qom.get(path, "core-id") for path in paths] == [0, 1, 2, 3, 4]


def test_the_number_of_an_anonymous_cpu_is_not_used_again(board: Board) -> None:
    board.plug(2)
    board.story()
    board.unplug("/machine/peripheral-anon/device[0]")
    assert DeviceDeleted(None, "/machine/peripheral-anon/device[0]") in board.story()
    board.plug(2)
    assert board.slot(2).cpu is not None
    assert [cpu.path for _, cpu in board.machine.cpus()][2] == "/machine/peripheral-anon/device[1]"


@pytest.mark.parametrize(
    "name",
    [
        "core2",
        "/machine/peripheral/core2",
        "/machine/peripheral/core2/",
        "//machine/peripheral//core2",
    ],
)
def test_a_cpu_is_removed_by_its_id_or_any_spelling_of_its_path(board: Board, name: str) -> None:
    board.plug(2, "core2")
    board.unplug(name)
    assert board.plugged() == [0, 1]


def test_a_cpu_that_is_gone_is_not_found(board: Board) -> None:
    board.plug(2, "core2")
    board.unplug("core2")
    for name in ("core2", "/machine/peripheral/core2"):
        with pytest.raises(DeviceNotFoundError, match=f"Device '{name}' not found"):
            board.machine.device_del(name)


def test_a_part_of_a_cpu_is_no_device(board: Board) -> None:
    name = "/machine/unattached/device[0]/unnamed-gpio-in[0]"
    with pytest.raises(MachineError) as refused:
        board.machine.device_del(name)
    assert str(refused.value) == f"{name} is not a device"
