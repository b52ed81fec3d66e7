"""An SError: pending until the CPU lets it through, and the end of the guest's kernel."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from machine.actions import Actions, PanicAction
from machine.errors import MachineError
from machine.events import GuestPanicked, Resumed
from machine.kvm.errors import KvmError
from machine.kvm.state import load_vm, save_vm
from machine.kvm.vcpu_events import VcpuEvents, get_vcpu_events, set_vcpu_events
from tests.machine.guest.test_panic import log

if TYPE_CHECKING:
    from tests.machine.board import Board, Make

IGNORED = Actions(panic=PanicAction.NONE)
PENDING = VcpuEvents(serror_pending=True)


def inject(board: Board, index: int) -> None:
    board.machine.power.inject_serror(board.slot(index))
    board.settle()


@pytest.fixture
def ailing(boards: Make) -> Board:
    board = boards(pvpanic=True, actions=IGNORED)
    board.plug(2, "c2")
    board.story()
    return board


@pytest.mark.parametrize("index", [0, 1, 2])
def test_the_kernel_panics_on_the_cpu_that_takes_it(ailing: Board, index: int) -> None:
    inject(ailing, index)
    said = "Kernel panic - not syncing: Asynchronous SError Interrupt"
    assert log(ailing)[-4:] == [
        f"SError Interrupt on CPU{index}, code 0x00000000bf000000 -- SError",
        said,
        "SMP: stopping secondary CPUs",
        f"---[ end {said} ]---",
    ]
    assert ailing.story() == [GuestPanicked("run")]
    assert ailing.online() == [index]


def test_it_is_pending_until_the_guest_lets_it_through(boards: Make) -> None:
    board = boards(pvpanic=True, actions=IGNORED, boot=False, paused=True)
    set_vcpu_events(board.vcpu(), PENDING)
    assert get_vcpu_events(board.vcpu()) == PENDING
    board.machine.cont()
    board.settle()
    assert get_vcpu_events(board.vcpu()) == VcpuEvents()
    assert "SError Interrupt on CPU0, code 0x00000000bf000000 -- SError" in log(board)
    assert board.story() == [Resumed()]  # there was no driver that could have told


def test_one_for_a_cpu_that_is_off_is_gone_when_that_comes_up(ailing: Board) -> None:
    online = "/sys/devices/system/cpu/cpu2/online"
    ailing.write(online, "0")
    inject(ailing, 2)
    assert get_vcpu_events(ailing.vcpu(2)) == PENDING
    assert ailing.write(online, "1") == 0
    assert get_vcpu_events(ailing.vcpu(2)) == VcpuEvents()
    assert ailing.online() == [0, 1, 2]
    assert ailing.story() == []


def test_a_dead_cpu_does_not_take_another(ailing: Board) -> None:
    inject(ailing, 1)
    lines = log(ailing)
    inject(ailing, 1)
    assert (log(ailing), get_vcpu_events(ailing.vcpu(1))) == (lines, PENDING)


def test_a_cpu_that_is_not_there_takes_none(ailing: Board) -> None:
    with pytest.raises(MachineError, match="CPU 3 is not plugged"):
        ailing.machine.power.inject_serror(ailing.slot(3))
    assert get_vcpu_events(ailing.vcpu(3)) == VcpuEvents()


def test_after_a_reset_the_same_cpu_works_again(ailing: Board) -> None:
    inject(ailing, 2)
    ailing.machine.system_reset()
    ailing.settle()
    assert ailing.online() == [0, 1, 2]
    ailing.unplug("c2")
    ailing.plug(2, "again")
    assert ailing.online() == [0, 1, 2]


@pytest.mark.parametrize(
    "events",
    [
        VcpuEvents(serror_pending=True, serror_has_esr=True, serror_esr=0x11),
        VcpuEvents(ext_dabt_pending=True),
    ],
)
def test_what_the_host_cannot_do_is_einval_and_changes_nothing(
    ailing: Board, events: VcpuEvents
) -> None:
    with pytest.raises(KvmError) as refused:
        set_vcpu_events(ailing.vcpu(), events)
    assert refused.value.errno == errno.EINVAL
    assert get_vcpu_events(ailing.vcpu()) == VcpuEvents()


def test_none_pending_leaves_one_that_is(ailing: Board) -> None:
    set_vcpu_events(ailing.vcpu(), PENDING)
    set_vcpu_events(ailing.vcpu(), VcpuEvents())
    assert get_vcpu_events(ailing.vcpu()) == PENDING


def test_one_that_is_pending_is_saved_and_loaded(boards: Make) -> None:
    board, other = boards(boot=False, paused=True), boards(boot=False, paused=True)
    set_vcpu_events(board.vcpu(1), PENDING)
    load_vm(other.machine.vm, save_vm(board.machine.vm))
    assert get_vcpu_events(other.vcpu(1)) == PENDING
    assert get_vcpu_events(other.vcpu(0)) == VcpuEvents()
