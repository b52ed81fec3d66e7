"""Parked vCPUs, and the wires that a plug connects and an unplug cuts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from machine import memmap
from machine.errors import MachineError
from machine.kvm.vcpu import MpState
from tests.machine.guest_side import (
    BUSY,
    GICR_ISPENDR0,
    GICR_TYPER,
    SGI_7,
    refused,
    removed,
)

if TYPE_CHECKING:
    from tests.machine.board import Board


# The parked pool


def test_every_vcpu_without_a_cpu_is_parked(board: Board) -> None:
    assert board.parked() == [2, 3, 4, 5]
    board.plug(3, "core3")
    assert board.parked() == [2, 4, 5]
    board.unplug("core3")
    assert board.parked() == [2, 3, 4, 5]


def test_a_parked_vcpu_is_off_and_has_nobody_to_run_it(board: Board) -> None:
    board.plug(2, "core2")
    assert board.vcpu(2).mp_state is MpState.RUNNABLE
    assert board.vcpu(2).engine is not None
    board.unplug("core2")
    for vcpu in board.machine.accel.parked.values():
        assert vcpu.mp_state is MpState.STOPPED
        assert vcpu.engine is None
        assert vcpu.on_kick is None


def test_each_plug_finds_the_same_vcpu_mpidr_and_redistributor(board: Board) -> None:
    parked = board.machine.accel.parked[2]
    found = []
    for cycle in range(4):
        board.plug(2, f"cycle{cycle}")
        slot = board.slot(2)
        assert slot.cpu is not None
        assert slot.cpu.vcpu is parked
        typer = parked.load(slot.redistributor + GICR_TYPER, 8)
        found.append((slot.arch_id, parked.mrs("MPIDR_EL1"), slot.redistributor, typer))
        board.unplug(f"cycle{cycle}")
        assert board.machine.accel.parked[2] is parked
    assert found == [(2, 0x8000_0002, 0x080E_0000, found[0][3])] * 4
    assert found[0][3] >> 32 == 2


def test_a_vcpu_that_is_not_parked_cannot_be_taken_out(board: Board) -> None:
    with pytest.raises(MachineError, match="KVM vCPU 0 is not parked"):
        board.machine.accel.unpark_vcpu(0)


def test_a_cpu_comes_back_as_after_reset(board: Board) -> None:
    board.plug(2, "core2")
    board.vcpu(2).msr("CNTP_CVAL_EL0", 1 << 40)
    board.unplug("core2")
    board.add(2, "again")
    assert board.vcpu(2).mrs("CNTP_CVAL_EL0") == 0
    assert board.vcpu(2).mp_state is MpState.STOPPED


def test_a_cpu_that_hears_no_interrupt_is_not_given_back_until_it_does(board: Board) -> None:
    board.plug(2, "core2")
    board.vcpu(2).msr("ICC_PMR_EL1", 0)
    board.story()
    board.unplug("core2")
    assert board.story() == refused(2, "core2", BUSY)
    assert board.state().awaited == ()
    board.vcpu(2).msr("ICC_PMR_EL1", 0xF0)
    board.settle()
    board.unplug("core2")
    assert board.story() == removed(2, "core2")


# Wires


def connected(board: Board, index: int) -> set[bool]:
    slot = board.slot(index)
    vcpu = slot.vcpu
    lines = (slot.gic_cpu.irq, vcpu.virt_timer.line, vcpu.phys_timer.line)
    return {slot.gic_cpu.accessible, *(line.connected for line in lines)}


def test_a_plug_connects_the_cpu_and_an_unplug_cuts_it(board: Board) -> None:
    assert [connected(board, n) for n in range(6)] == [{True}] * 2 + [{False}] * 4
    board.plug(2, "core2")
    assert connected(board, 2) == {True}
    board.unplug("core2")
    assert connected(board, 2) == {False}


def test_no_sgi_reaches_a_cpu_that_is_not_plugged(board: Board) -> None:
    board.vcpu().msr("ICC_SGI1R_EL1", SGI_7 | 1 << 2)
    assert board.vcpu().load(board.slot(2).redistributor + GICR_ISPENDR0, 4) == 0


def test_a_timer_reaches_the_gic_only_while_its_cpu_is_plugged(board: Board) -> None:
    pending = board.slot(2).redistributor + GICR_ISPENDR0
    ppi = 1 << memmap.PPI_PHYSICAL_TIMER
    board.vcpu(2).phys_timer.write_ctl(1)
    assert board.vcpu(2).phys_timer.line.level
    assert not board.vcpu().load(pending, 4) & ppi
    board.plug(2, "core2")
    board.vcpu(2).phys_timer.write_ctl(1)
    assert board.vcpu().load(pending, 4) & ppi


def test_redistributors_of_cpus_that_are_not_plugged_can_be_accessed(board: Board) -> None:
    for slot in board.machine.slots:
        typer = board.vcpu().load(slot.redistributor + GICR_TYPER, 8)
        assert (typer >> 32, typer >> 8 & 0xFFFF) == (slot.arch_id, slot.index)
