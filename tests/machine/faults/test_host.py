"""A host that has no vCPU to give: the plug fails, and nothing has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from machine.config import MachineConfig
from machine.errors import MachineError
from machine.faults.stage import Stage
from machine.virt import VirtMachine
from tests.machine.board import CPU, SIX, SMALL
from tests.machine.faults.stages import inject
from tests.machine.guest_side import inserted

if TYPE_CHECKING:
    from tests.machine.board import Board, Make

TEXTS = {
    "enomem": "kvm_init_vcpu: kvm_create_vcpu failed (2): Cannot allocate memory",
    "ebusy": "kvm_init_vcpu: kvm_create_vcpu failed (2): Device or resource busy",
}


@pytest.mark.parametrize("outcome", TEXTS)
@pytest.mark.parametrize("name", ["c2", None])
def test_a_plug_without_a_vcpu_is_refused_and_changes_nothing(
    board: Board, outcome: str, name: str | None
) -> None:
    before, generation = board.state(), board.machine.generation
    inject(board.machine, "unpark", outcome)
    with pytest.raises(MachineError) as refused:
        board.add(2, name)
    assert str(refused.value) == TEXTS[outcome]
    board.settle()
    assert (board.state(), board.machine.generation) == (before, generation)
    assert board.told == []


def test_afterwards_the_same_id_and_the_same_slot_can_be_plugged(board: Board) -> None:
    inject(board.machine, "unpark", "enomem", count=1)
    with pytest.raises(MachineError):
        board.add(2, "c2")
    board.plug(2, "c2")
    assert board.story() == inserted(2, "c2")
    assert board.online() == [0, 1, 2]


def test_a_plug_that_failed_uses_up_no_number_of_a_nameless_cpu(board: Board) -> None:
    inject(board.machine, "unpark", "ebusy", count=1)
    with pytest.raises(MachineError):
        board.add(2)
    board.plug(2)
    assert board.machine.slots[2].cpu is not None
    assert board.machine.slots[2].cpu.path == "/machine/peripheral-anon/device[0]"


def test_what_is_refused_anyway_is_no_matter_for_a_stage(board: Board) -> None:
    inject(board.machine, "unpark", "enomem")
    with pytest.raises(MachineError, match=r"exist$"):
        board.add(1, "c1")
    (armed,) = board.machine.faults.armed()
    assert armed.seen == 0


def test_a_device_of_the_command_line_that_gets_no_vcpu_is_named() -> None:
    stage = Stage(when="unpark", do="enomem", name="poor", cpu=2)
    devices = ({"driver": CPU, "core-id": 2, "id": "c2"},)
    with pytest.raises(MachineError) as refused:
        VirtMachine(MachineConfig(SIX, ram_size=SMALL, devices=devices, stages=(stage,)))
    assert str(refused.value) == f"-device {CPU},core-id=2,id=c2: {TEXTS['enomem']}"


def test_the_cpus_that_smp_counts_are_never_refused(boards: Make) -> None:
    stage = Stage(when="unpark", do="enomem", name="poor")
    assert boards(stages=(stage,)).online() == [0, 1]
