"""Which kernel the guest boots, who onlines its CPUs, and which of them may not go."""

from __future__ import annotations

import errno
from math import inf, nan
from typing import TYPE_CHECKING, Any

import pytest

from machine.faults.stage import Stage
from machine.guest import psci
from machine.guest.behaviour import Behaviour, KernelKind, OnlinePolicy
from machine.guest.latency import Latency
from machine.topology import Topology
from tests.machine.guest.recording import record
from tests.machine.guest_side import BUSY, inserted, refused, removed

if TYPE_CHECKING:
    from machine.guest.smp import Cpu
    from tests.machine.board import Board, Make

MS = 1_000_000
CPU = "/sys/devices/system/cpu"
NO_HOTPLUG = Behaviour(kernel=KernelKind.NO_HOTPLUG)


def cpus(board: Board) -> list[Cpu]:
    kernel = board.machine.power.kernel
    assert kernel is not None
    return kernel.cpus


def masks(board: Board, cpu: int) -> tuple[bool, bool]:
    return cpus(board)[cpu].enabled, cpus(board)[cpu].online


def advance(board: Board, ms: float) -> None:
    clock = board.machine.clock
    clock.advance_to(clock.now + round(ms * MS))


# What a behaviour can be


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"load": 1.0}, "load expects a number from 0 to below 1"),
        ({"load": -0.1}, "load expects a number from 0 to below 1"),
        ({"load": nan}, "load expects a number from 0 to below 1"),
        ({"speed": 0.0}, "speed expects a positive number"),
        ({"speed": -1.0}, "speed expects a positive number"),
        ({"speed": inf}, "speed expects a positive number"),
        ({"speed": nan}, "speed expects a positive number"),
        ({"online_delay": -1}, "online_delay expects a number that is not negative"),
        ({"boot_time": -1}, "boot_time expects a number that is not negative"),
        ({"isolated": frozenset({0, -1})}, "isolated expects numbers of CPUs"),
    ],
)
def test_a_number_out_of_its_range_is_refused(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=f"^{complaint}$"):
        Behaviour(**fields)


@pytest.mark.parametrize(
    ("speed", "load", "takes"),
    [(None, 0.9, 0), (1.0, 0.0, 600), (2.0, 0.0, 300), (1.0, 0.75, 2400), (0.5, 0.5, 2400)],
)
def test_speed_and_load_say_how_long_something_takes(
    speed: float | None, load: float, takes: int
) -> None:
    assert Behaviour(speed=speed, load=load).takes(600) == takes


# Kernels


@pytest.fixture
def old(boards: Make) -> Board:
    return boards(behaviour=NO_HOTPLUG)


def test_an_old_kernel_has_only_the_cpus_whose_giccs_are_enabled(old: Board) -> None:
    assert [cpu.id for cpu in cpus(old)] == [0]
    assert old.online() == [0]
    assert old.plugged() == [0, 1]


def test_an_old_kernel_neither_sees_a_plug_nor_answers_an_unplug(old: Board) -> None:
    old.plug(2, "core2")
    old.unplug("core2")
    assert old.story() == []
    assert old.plugged() == [0, 1, 2]
    assert old.online() == [0]


def test_a_machine_of_an_old_kernel_gets_a_cpu_back_by_a_reset(old: Board) -> None:
    old.plug(2, "core2")
    old.unplug("core2")
    old.machine.system_reset()
    old.settle()
    assert old.plugged() == [0, 1]


def test_another_kernel_boots_from_the_next_reset_on(old: Board) -> None:
    old.machine.will.behaviour = Behaviour()
    old.plug(2, "core2")
    assert old.story() == []
    old.machine.system_reset()
    old.settle()
    assert old.online() == [0, 1, 2]
    old.story()
    old.unplug("core2")
    assert old.story() == removed(2, "core2")


def test_all_of_a_machine_without_hot_plug_are_an_old_kernels(boards: Make) -> None:
    topology = Topology(4, 1, 1, 4, 1)
    assert boards(topology, hotplug=False, behaviour=NO_HOTPLUG).online() == [0, 1, 2, 3]


def test_a_kernel_without_a_ged_driver_is_deaf(boards: Make) -> None:
    board = boards(behaviour=Behaviour(kernel=KernelKind.NO_GED))
    assert board.online() == [0, 1]
    board.plug(2, "core2")
    board.unplug("core2")
    assert board.story() == []
    board.machine.will.behaviour = Behaviour()
    board.machine.system_reset()
    board.settle()
    assert board.plugged() == board.online() == [0, 1]
    board.story()
    board.plug(2, "core2")
    assert board.story() == inserted(2, "core2")


def test_a_cpu_of_a_deaf_guest_can_still_be_ejected_by_its_user(boards: Make) -> None:
    board = boards(behaviour=Behaviour(kernel=KernelKind.NO_GED))
    board.plug(2, "core2")
    board.machine.system_reset()
    board.settle()
    assert board.online() == [0, 1, 2]
    assert board.write("/sys/bus/acpi/devices/ACPI0007:02/eject", "1") == 0
    assert board.plugged() == [0, 1]


# Who onlines


def test_the_kernel_onlines_before_it_reports(boards: Make) -> None:
    speedy = Behaviour(online=OnlinePolicy.KERNEL, speed=1.0)
    board = boards(behaviour=speedy)
    board.add(2, "core2")
    advance(board, 35)
    assert (masks(board, 2), board.story()) == ((True, False), [])
    advance(board, 1.1)
    assert (masks(board, 2), board.story()) == ((True, True), inserted(2, "core2"))


def test_nobody_onlines_what_came(boards: Make) -> None:
    board = boards(behaviour=Behaviour(online=OnlinePolicy.NEVER))
    board.plug(2, "core2")
    assert board.story() == inserted(2, "core2")
    assert masks(board, 2) == (True, False)
    board.unplug("core2")
    assert board.story() == removed(2, "core2")


def test_who_onlines_can_change_while_the_guest_runs(board: Board) -> None:
    board.machine.will.behaviour = Behaviour(online=OnlinePolicy.NEVER)
    board.plug(2, "core2")
    board.machine.will.behaviour = Behaviour()
    board.plug(3, "core3")
    assert board.online() == [0, 1, 3]


SLOW_RULE = Behaviour(online_delay=500 * MS)


def test_udev_onlines_after_the_report_when_it_gets_to_it(boards: Make) -> None:
    board = boards(behaviour=SLOW_RULE)
    board.add(2, "core2")
    advance(board, 1)
    assert board.story() == inserted(2, "core2")
    advance(board, 498)
    assert masks(board, 2) == (True, False)
    advance(board, 2)
    assert masks(board, 2) == (True, True)


def test_udev_does_not_hold_up_hot_plug_work(boards: Make) -> None:
    board = boards(behaviour=SLOW_RULE)
    for core in (2, 3, 4):
        board.add(core, f"core{core}")
    advance(board, 1)
    assert board.story() == [
        *inserted(2, "core2"),
        *inserted(3, "core3"),
        *inserted(4, "core4"),
    ]
    advance(board, 501)
    assert board.online() == [0, 1, 2, 3, 4]


def test_udev_comes_too_late_for_a_cpu_that_is_gone(boards: Make) -> None:
    board = boards(behaviour=SLOW_RULE)
    log = record(board.machine)
    board.settle()
    log.clear()
    board.add(2, "core2")
    advance(board, 100)
    board.story()
    board.machine.device_del("core2")
    advance(board, 100)
    assert board.story() == removed(2, "core2")
    board.settle()
    assert (masks(board, 2), board.online()) == ((False, False), [0, 1])
    assert psci.CPU_ON not in [step.args[0] for step in log if step.verb == "smccc"]


def test_udev_goes_on_when_its_cpu_goes_offline(boards: Make) -> None:
    """The process was on CPU 0, whose timers move to the CPU that takes it offline."""
    board = boards(behaviour=SLOW_RULE)
    board.add(2, "core2")
    advance(board, 100)
    board.machine.power.guest_write(f"{CPU}/cpu0/online", "0")
    advance(board, 100)
    assert board.online() == [1]
    board.settle()
    assert board.online() == [1, 2]


def test_udev_goes_on_after_a_sleep(boards: Make) -> None:
    board = boards(behaviour=SLOW_RULE, system_suspend=True)
    board.add(2, "core2")
    advance(board, 100)
    board.machine.power.guest_write("/sys/power/state", "mem")
    advance(board, 1)
    assert not board.machine.running
    board.machine.system_wakeup()
    advance(board, 300)
    assert board.online() == [0, 1]
    board.settle()
    assert board.online() == [0, 1, 2]


# Who may not go


def test_an_isolated_cpu_stays_until_it_is_none(board: Board) -> None:
    board.plug(2, "core2")
    board.story()
    board.machine.will.behaviour = Behaviour(isolated=frozenset({2}))
    board.unplug("core2")
    assert board.story() == refused(2, "core2", BUSY)
    assert board.write(f"{CPU}/cpu2/online", "0") == -errno.EBUSY
    kernel = board.machine.power.kernel
    assert kernel is not None
    assert "processor cpu2: Offline failed." in "".join(kernel.log.lines)
    board.machine.will.behaviour = Behaviour()
    board.unplug("core2")
    assert board.story() == removed(2, "core2")


# Latencies


def told_at(board: Board) -> list[tuple[int, str]]:
    """When events come, in ns from now, and when CPU 2 goes online or offline."""
    clock = board.machine.clock
    start, seen, online = clock.now, list[tuple[int, str]](), masks(board, 2)[1]
    board.told.clear()
    while (due := clock.next_deadline) is not None:
        clock.advance_to(due)
        passed = clock.now - start
        seen += [(passed, type(event).__name__) for event in board.story()]
        if masks(board, 2)[1] is not online:
            online = masks(board, 2)[1]
            seen.append((passed, "online" if online else "offline"))
    return seen


def test_a_plug_takes_as_long_as_linux_takes(boards: Make) -> None:
    board = boards(behaviour=Behaviour(speed=1.0))
    board.add(2, "core2")
    assert told_at(board) == [(32_002_992, "AcpiDeviceOst"), (102_005_976, "online")]


def test_an_unplug_takes_as_long_as_linux_takes(boards: Make) -> None:
    board = boards(behaviour=Behaviour(speed=1.0))
    board.plug(2, "core2")
    board.machine.device_del("core2")
    assert told_at(board) == [
        (5_002_992, "AcpiDeviceOst"),
        (130_004_984, "offline"),
        (135_006_976, "DeviceDeleted"),
        (140_007_968, "AcpiDeviceOst"),
    ]


def test_an_unplug_of_a_cpu_that_is_offline_takes_a_tenth(boards: Make) -> None:
    board = boards(behaviour=Behaviour(speed=1.0))
    board.plug(2, "core2")
    board.write(f"{CPU}/cpu2/online", "0")
    board.machine.device_del("core2")
    assert told_at(board) == [
        (5_002_992, "AcpiDeviceOst"),
        (10_003_984, "DeviceDeleted"),
        (15_004_976, "AcpiDeviceOst"),
    ]


def test_what_is_asked_for_again_before_the_guest_has_looked_is_done_once(boards: Make) -> None:
    board = boards(behaviour=Behaviour(speed=1.0))
    board.plug(2, "core2")
    board.story()
    for _ in range(3):
        board.machine.device_del("core2")
        advance(board, 1)
    board.settle()
    assert board.story() == removed(2, "core2")


def test_a_refusal_takes_as_long_as_linux_takes(boards: Make) -> None:
    board = boards(behaviour=Behaviour(speed=1.0, isolated=frozenset({2})))
    board.plug(2, "core2")
    board.machine.device_del("core2")
    assert told_at(board) == [
        (5_002_992, "AcpiDeviceOst"),
        (10_003_984, "AcpiDeviceOst"),
        (10_003_984, "DeviceUnplugRefused"),
    ]


def test_a_busy_guest_takes_longer(boards: Make) -> None:
    board = boards(behaviour=Behaviour(speed=2.0, load=0.75))
    board.add(2, "core2")
    assert told_at(board) == [(64_002_992, "AcpiDeviceOst"), (204_005_976, "online")]


def test_a_delay_comes_on_top(boards: Make) -> None:
    board = boards(
        behaviour=Behaviour(speed=1.0, online_delay=30 * MS),
        stages=(Stage("device-check", "accept", name="late", delay=50 * MS),),
    )
    board.add(2, "core2")
    assert told_at(board) == [(82_002_992, "AcpiDeviceOst"), (182_005_976, "online")]


def test_a_boot_takes_no_longer_for_it(boards: Make) -> None:
    board = boards(boot=False, behaviour=Behaviour(speed=0.01))
    advance(board, 1)
    assert board.online() == [0, 1]


def test_other_cpus_go_on_while_one_sleeps(boards: Make) -> None:
    """CPU 0 takes its time to offline CPU 2, and the console is served meanwhile."""
    board = boards(behaviour=Behaviour(speed=1.0))
    board.plug(2, "core2")
    board.machine.device_del("core2")
    advance(board, 50)
    board.machine.uart.receive(b"echo here I am\n")
    said = bytearray()
    board.machine.uart.sink = said.append
    advance(board, 1)
    assert b"here I am" in said
    assert board.online() == [0, 1, 2]


def test_a_slow_guest_with_many_cpus_takes_them_one_by_one(boards: Make) -> None:
    board = boards(Topology(1, 1, 1, 64, 1), behaviour=Behaviour(speed=1.0))
    start = board.machine.clock.now
    for core in range(1, 64):
        board.add(core, f"core{core}")
    advance(board, 4 + 63 * 28 + 1)
    assert len(board.story()) == 63
    board.settle()
    assert board.online() == list(range(64))
    spent = (
        sum(each.value.ns for each in (Latency.DEVICE_CHECK, Latency.CPU_UP)) * 63
        + Latency.GED.value.ns
    )
    assert spent <= board.machine.clock.now - start <= spent + 2 * MS
    board.told.clear()
    for core in range(1, 64):
        board.machine.device_del(f"core{core}")
    board.settle()
    assert board.plugged() == board.online() == [0]
