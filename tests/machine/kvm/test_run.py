"""KVM_RUN and the record that each exit leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from machine.kvm.run import (
    INTERRUPTED,
    ExitReason,
    HypercallExit,
    MmioExit,
    SystemEvent,
    SystemEventExit,
)
from machine.kvm.vcpu import MpState
from machine.kvm.vm import FilterAction
from tests.machine.kvm.host import RAM_BASE, Code, Host

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine.kvm.vcpu import Vcpu
    from machine.trace import TracePoint

GED = 0x0908_0000
FORWARDED = 0xC600_0000
SYSTEM_OFF, SYSTEM_RESET, SYSTEM_SUSPEND = 0x8400_0008, 0x8400_0009, 0xC400_000E


class Program:
    """An engine that does one thing, each time it is run."""

    def __init__(self, vcpu: Vcpu, action: Callable[[Vcpu], object]) -> None:
        self._vcpu = vcpu
        self._action = action

    def run(self) -> None:
        self._action(self._vcpu)


def running(host: Host, action: Callable[[Vcpu], object]) -> Vcpu:
    """A vCPU that does something when it runs."""
    host.vm.set_smccc_filter(FORWARDED, 1, FilterAction.FORWARD)
    host.vm.system_suspend = True
    vcpu = host.up(1)[0]
    vcpu.engine = Program(vcpu, action)
    vcpu.set_mp_state(MpState.RUNNABLE)
    return vcpu


def test_a_vcpu_that_has_not_left_the_guest_has_no_record(host: Host) -> None:
    assert host.up(1)[0].kvm_run is None


@pytest.mark.parametrize(
    ("action", "record"),
    [
        (lambda vcpu: vcpu.load(GED, 4), MmioExit(GED, 4, is_write=False, data=9)),
        (lambda vcpu: vcpu.store(GED, 2, 7), MmioExit(GED, 2, is_write=True, data=7)),
        (lambda vcpu: vcpu.hvc(FORWARDED, 1, 2), HypercallExit(FORWARDED, (1, 2))),
        (lambda vcpu: vcpu.hvc(SYSTEM_OFF), SystemEventExit(SystemEvent.SHUTDOWN)),
        (lambda vcpu: vcpu.hvc(SYSTEM_RESET), SystemEventExit(SystemEvent.RESET)),
        (lambda vcpu: vcpu.hvc(SYSTEM_SUSPEND, 0, 0), SystemEventExit(SystemEvent.SUSPEND)),
    ],
)
def test_each_way_out_leaves_its_record(
    host: Host,
    action: Callable[[Vcpu], object],
    record: MmioExit | HypercallExit | SystemEventExit,
) -> None:
    seen: list[object] = []

    def program(vcpu: Vcpu) -> None:
        action(vcpu)
        seen.append(vcpu.kvm_run)

    host.user.answer = 9
    running(host, program).run()
    assert seen == [record]
    assert len(host.user.exits) == 1


def test_a_load_has_no_data_before_user_space_has_answered(host: Host) -> None:
    seen: list[object] = []
    vcpu = running(host, lambda vcpu: vcpu.load(GED, 4))
    host.user.served = lambda: seen.append(vcpu.kvm_run)
    vcpu.run()
    assert seen == [MmioExit(GED, 4, is_write=False, data=None)]


def test_reasons_and_events_have_the_numbers_of_the_interface() -> None:
    assert [reason.value for reason in ExitReason] == [3, 6, 10, 17, 24]
    assert [event.value for event in SystemEvent] == [1, 2, 4, 5]


def test_a_vcpu_that_waits_would_be_interrupted(host: Host) -> None:
    vcpu = running(host, lambda vcpu: vcpu.load(GED, 4))
    assert vcpu.run() is INTERRUPTED
    assert vcpu.kvm_run is not None
    assert vcpu.kvm_run.exit_reason is ExitReason.INTR


def test_a_vcpu_that_is_off_executes_nothing_and_would_be_interrupted(host: Host) -> None:
    vcpu = host.up(1)[0]
    vcpu.load(GED, 4)
    assert vcpu.run() is INTERRUPTED


def test_the_exit_that_stopped_a_vcpu_is_its_last(host: Host) -> None:
    def end(vcpu: Vcpu) -> None:
        vcpu.hvc(FORWARDED)
        vcpu.set_mp_state(MpState.STOPPED)

    assert running(host, end).run() == HypercallExit(FORWARDED, ())


def test_what_the_kernel_answers_is_no_exit(host: Host) -> None:
    vcpu = host.up(1)[0]
    vcpu.load(RAM_BASE, 8)
    vcpu.hvc(0x8400_0000)
    assert vcpu.kvm_run is None


def test_exits_are_traced(host: Host) -> None:
    points: list[TracePoint] = []
    host.vm.trace.listen(points.append)
    running(host, lambda vcpu: vcpu.load(GED, 4)).run()
    exits = [point.fields for point in points if point.name == "kvm_exit"]
    assert exits == [{"vcpu_id": 0, "reason": "MMIO"}, {"vcpu_id": 0, "reason": "INTR"}]


def test_a_vcpu_is_in_the_guest_but_for_its_exits(host: Host) -> None:
    inside: list[bool] = []

    def look() -> None:
        inside.append(host.vm.exits.executing)

    def program(vcpu: Vcpu) -> None:
        vcpu.load(GED, 4)
        look()

    host.user.served = look
    vcpu = running(host, program)
    look()
    vcpu.run()
    look()
    assert inside == [False, False, True, False]


def test_a_vcpu_whose_exit_failed_is_out_of_the_guest(host: Host) -> None:
    def fail() -> None:
        raise ConnectionError

    host.user.served = fail
    vcpu = running(host, lambda vcpu: vcpu.load(GED, 4))
    with pytest.raises(ConnectionError):
        vcpu.run()
    assert not host.vm.exits.executing


# Suspended


def test_a_suspended_vcpu_keeps_its_engine_and_does_not_execute(host: Host) -> None:
    vcpu = host.up(1)[0]
    vcpu.engine = code = Code()
    vcpu.set_mp_state(MpState.SUSPENDED)
    assert vcpu.run() is INTERRUPTED
    assert (vcpu.engine, code.runs) == (code, 0)


def test_an_interrupt_wakes_a_suspended_vcpu_by_an_event(host: Host) -> None:
    kicks: list[int] = []
    vcpu = host.up(1)[0]
    vcpu.on_kick = lambda: kicks.append(1)
    vcpu.set_mp_state(MpState.SUSPENDED)
    vcpu.irq.set(True)
    assert kicks == [1]
    assert vcpu.run() == SystemEventExit(SystemEvent.WAKEUP)
    assert host.user.exits == [("event", 0, "wakeup")]
    assert vcpu.mp_state is MpState.SUSPENDED, "whether to honour it is user space's to say"
