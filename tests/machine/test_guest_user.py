"""What a user of the guest does with CPUs, and what the machine's user sees of it."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from machine import memmap
from machine.errors import MachineError
from machine.events import (
    AcpiDeviceOst,
    DeviceDeleted,
    DeviceUnplugRefused,
    PowerdownRequested,
    Resumed,
    ShutdownRequested,
    WasReset,
)
from machine.guest import sysfs
from machine.guest.behaviour import Behaviour
from machine.runstate import RunState
from machine.topology import Topology
from tests.machine.guest_side import (
    BUSY,
    EJECT_REQUEST,
    IN_PROGRESS,
    NOT_SUPPORTED,
    inserted,
    refused,
    removed,
)

if TYPE_CHECKING:
    from machine.guest.kernel import Kernel
    from tests.machine.board import Board, Make

CPU = "/sys/devices/system/cpu"
OSPM_EJECT = 0x103
HOTPLUG = "/sys/firmware/acpi/hotplug/processor/enabled"


def online(cpu: int) -> str:
    return f"{CPU}/cpu{cpu}/online"


def eject(cpu: int) -> str:
    return f"/sys/bus/acpi/devices/ACPI0007:{cpu:02x}/eject"


def kernel(board: Board) -> Kernel:
    kernel = board.machine.power.kernel
    assert kernel is not None
    return kernel


def read(board: Board, name: str) -> str | None:
    return sysfs.read(kernel(board), f"{CPU}/{name}")


def isolate(board: Board, *cpus: int) -> None:
    board.machine.will.behaviour = Behaviour(isolated=frozenset(cpus))


def event_router(board: Board) -> int:
    """The affinity that the GED's interrupt is routed to."""
    spi = memmap.SPI_BASE + memmap.GED_SPI
    return board.vcpu(2).load(memmap.GICD.base + 0x6000 + 8 * spi, 8)


# Offline and online


def test_a_cpu_goes_offline_and_comes_back_and_no_event_tells_of_it(board: Board) -> None:
    assert board.write(online(1), "0") == 0
    assert (board.online(), board.plugged()) == ([0], [0, 1])
    assert board.vcpu(1).engine is None
    assert board.write(online(1), "1") == 0
    assert board.online() == [0, 1]
    assert board.story() == []


@pytest.mark.parametrize("text", ["1", "y", "on", "1\n"])
def test_onlining_what_is_online_is_fine(board: Board, text: str) -> None:
    assert board.write(online(1), text) == 0


def test_offlining_what_is_offline_is_fine(board: Board) -> None:
    board.write(online(1), "0")
    assert board.write(online(1), "0\n") == 0
    assert board.online() == [0]


def test_the_boot_cpu_goes_offline_and_takes_its_interrupts_elsewhere(board: Board) -> None:
    board.plug(2, "core2")
    board.write(online(1), "0")
    assert event_router(board) == 0
    assert board.write(online(0), "0") == 0
    assert board.online() == [2]
    assert event_router(board) == 2
    board.story()
    board.plug(3, "core3")
    assert board.story() == inserted(3, "core3")
    assert board.online() == [2, 3]


def test_the_last_cpu_that_is_online_stays(board: Board) -> None:
    board.write(online(0), "0")
    assert board.write(online(1), "0") == -errno.EBUSY
    assert board.online() == [1]


def test_a_cpu_that_is_not_enabled_has_no_file(board: Board) -> None:
    assert board.write(online(4), "1") == -errno.ENOENT
    assert read(board, "cpu4/online") is None
    assert read(board, "cpu1/online") == "1"


@pytest.mark.parametrize(
    ("path", "text", "error"),
    [
        (online(1), "2", errno.EINVAL),
        (online(1), "", errno.EINVAL),
        (online(99), "1", errno.ENOENT),
        (f"/sys/devices/system/cpu/cpu{'9' * 5000}/online", "0", errno.ENOENT),
        ("/sys/devices/system/cpu/cpu01/online", "0", errno.ENOENT),
        ("/sys/devices/system/cpu/cpu\N{ARABIC-INDIC DIGIT ONE}/online", "0", errno.ENOENT),
        ("/sys/bus/acpi/devices/ACPI0007:1/eject", "1", errno.ENOENT),
        ("/sys/bus/acpi/devices/ACPI0007:001/eject", "1", errno.ENOENT),
        (eject(0), "1", errno.ENOENT),
        (eject(6), "1", errno.ENOENT),
        (eject(1), "0", errno.EINVAL),
        ("/sys/bus/acpi/devices/PNP0C0C:00/eject", "1", errno.ENOENT),
        (HOTPLUG, "maybe", errno.EINVAL),
        ("/sys/power/state", "disk", errno.EINVAL),
        ("/etc/passwd", "x", errno.ENOENT),
    ],
)
def test_what_cannot_be_written_is_refused_and_changes_nothing(
    board: Board, path: str, text: str, error: int
) -> None:
    before = board.state()
    assert board.write(path, text) == -error
    assert board.state() == before
    assert board.online() == [0, 1]
    assert board.story() == []


def test_the_masks_read_as_lists(boards: Make) -> None:
    board = boards(Topology(3, 1, 1, 8, 1))
    board.plug(5, "core5")
    board.write(online(1), "0")
    assert read(board, "possible") == read(board, "present") == "0-7"
    assert read(board, "enabled") == "0-2,5"
    assert read(board, "online") == "0,2,5"
    assert read(board, "isolated") is None


def test_a_cpu_that_the_user_has_put_offline_is_given_back_all_the_same(board: Board) -> None:
    board.plug(2, "core2")
    board.write(online(2), "0")
    board.story()
    board.unplug("core2")
    assert board.story() == removed(2, "core2")


def test_a_cpu_that_is_given_back_while_it_handles_the_request_is_gone_too(board: Board) -> None:
    """The event's interrupt comes to the very CPU that is to go."""
    board.plug(2, "core2")
    board.plug(3, "core3")
    for cpu in (3, 1, 0):
        board.write(online(cpu), "0")
    board.write(online(3), "1")
    assert event_router(board) == 2
    board.story()
    board.unplug("core2")
    assert board.story() == removed(2, "core2")
    assert board.online() == [3]


def test_what_two_users_want_at_once_is_done_one_after_the_other(board: Board) -> None:
    board.plug(2, "core2")
    answers: list[int] = []
    for cpu in (0, 1, 2):
        board.machine.power.guest_write(online(cpu), "0", answers.append)
    board.machine.device_del("core2")
    board.settle()
    assert answers == [0, 0, -errno.EBUSY]
    assert board.online() == [2]
    assert board.story()[-3:] == refused(2, "core2", BUSY)


# Refusals


@pytest.fixture
def last(board: Board) -> Board:
    """Nobody but a hot-plugged CPU is online."""
    board.plug(2, "core2")
    board.write(online(1), "0")
    board.write(online(0), "0")
    board.story()
    return board


def test_a_guest_does_not_give_its_last_cpu_back(last: Board) -> None:
    last.unplug("core2")
    assert last.story() == refused(2, "core2", BUSY)
    assert last.online() == [2]
    assert last.state().awaited == ()
    assert last.state().pending == frozenset()


def test_a_refused_removal_can_be_asked_for_again_until_it_is_granted(last: Board) -> None:
    for _ in range(2):
        last.unplug("core2")
        assert last.story() == refused(2, "core2", BUSY)
    last.write(online(0), "1")
    last.unplug("core2")
    assert last.story() == removed(2, "core2")
    assert last.online() == [0]


def test_a_refused_cpu_survives_a_reset(last: Board) -> None:
    last.unplug("core2")
    last.machine.system_reset()
    last.settle()
    assert last.plugged() == last.online() == [0, 1, 2]


def test_an_isolated_cpu_is_not_given_back(board: Board) -> None:
    board.plug(2, "core2")
    board.story()
    isolate(board, 2)
    board.unplug("core2")
    assert board.story() == refused(2, "core2", BUSY)
    assert board.write(online(2), "0") == -errno.EBUSY
    assert board.online() == [0, 1, 2]
    isolate(board)
    board.unplug("core2")
    assert board.story() == removed(2, "core2")


def test_a_guest_whose_hot_plug_is_switched_off_refuses_at_once(board: Board) -> None:
    board.plug(2, None)
    board.story()
    assert board.write(HOTPLUG, "0") == 0
    board.unplug("/machine/peripheral-anon/device[0]")
    assert board.story() == [
        AcpiDeviceOst(2, None, EJECT_REQUEST, NOT_SUPPORTED),
        DeviceUnplugRefused(None, "/machine/peripheral-anon/device[0]"),
    ]
    assert board.write(eject(2), "1") == -errno.ENODEV
    assert board.write(HOTPLUG, "1") == 0
    board.unplug("/machine/peripheral-anon/device[0]")
    assert board.plugged() == [0, 1]


def test_one_of_a_batch_that_is_refused_does_not_hold_up_the_others(board: Board) -> None:
    for core in (2, 3, 4):
        board.plug(core, f"core{core}")
    board.story()
    isolate(board, 3)
    for core in (2, 3, 4):
        board.machine.device_del(f"core{core}")
    board.settle()
    assert board.story() == [
        *removed(2, "core2"),
        *refused(3, "core3", BUSY),
        *removed(4, "core4"),
    ]


# Ejects


def test_a_user_ejects_a_hot_plugged_cpu_without_being_asked(board: Board) -> None:
    board.plug(2, "core2")
    board.story()
    assert board.write(eject(2), "1") == 0
    assert board.story() == [
        AcpiDeviceOst(2, "core2", EJECT_REQUEST, IN_PROGRESS),
        DeviceDeleted("core2", "/machine/peripheral/core2"),
        AcpiDeviceOst(2, None, OSPM_EJECT, 0),
    ]
    assert (board.online(), board.parked()) == ([0, 1], [2, 3, 4, 5])
    board.plug(2, "again")
    assert board.story() == inserted(2, "again")


def test_a_users_eject_that_fails_is_nobody_elses_refusal(board: Board) -> None:
    board.plug(2, "core2")
    board.story()
    isolate(board, 2)
    board.write(eject(2), "1")
    assert board.story() == [
        AcpiDeviceOst(2, "core2", EJECT_REQUEST, IN_PROGRESS),
        AcpiDeviceOst(2, "core2", OSPM_EJECT, BUSY),
    ]


def test_a_user_cannot_eject_a_cpu_that_was_there_at_boot(board: Board) -> None:
    board.write(eject(1), "1")
    assert board.story() == [
        AcpiDeviceOst(1, None, EJECT_REQUEST, IN_PROGRESS),
        AcpiDeviceOst(1, None, OSPM_EJECT, 1),
    ]
    assert board.plugged() == [0, 1]
    assert board.write(online(1), "1") == 0
    assert board.online() == [0, 1]


def test_a_user_cannot_eject_a_cpu_that_is_not_there(board: Board) -> None:
    assert board.write(eject(4), "1") == -errno.ENODEV
    board.plug(4, "core4")
    assert board.write(eject(4), "1") == 0
    assert board.plugged() == [0, 1]
    board.story()
    assert board.write(eject(4), "1") == -errno.ENODEV
    assert board.story() == []


def test_an_eject_that_comes_too_late_is_reported_as_a_failure(board: Board) -> None:
    board.plug(4, "core4")
    board.story()
    outcomes: list[int] = []
    for _ in range(2):
        board.machine.power.guest_write(eject(4), "1", outcomes.append)
    board.settle()
    assert outcomes == [0, 0]
    assert board.story()[-2:] == [
        AcpiDeviceOst(4, None, EJECT_REQUEST, IN_PROGRESS),
        AcpiDeviceOst(4, None, OSPM_EJECT, 1),
    ]


# Reboot and power-off


def test_a_reboot_by_the_guests_user_is_a_reset_by_the_guest(board: Board) -> None:
    board.plug(2, "core2")
    board.write(online(2), "0")
    board.story()
    board.write("/proc/sysrq-trigger", "b")
    assert board.story() == [WasReset(guest=True, reason="guest-reset")]
    assert board.online() == [0, 1, 2]


def test_a_power_off_by_the_guests_user_ends_the_machine(board: Board) -> None:
    board.write("/proc/sysrq-trigger", "o")
    assert board.story() == [ShutdownRequested(guest=True, reason="guest-shutdown")]
    assert board.machine.run_state is RunState.SHUTDOWN
    with pytest.raises(MachineError, match="the guest is not up"):
        board.machine.power.guest_write(online(1), "0")


def test_other_keys_do_nothing(board: Board) -> None:
    assert board.write("/proc/sysrq-trigger", "h") == 0
    assert board.story() == []


# Before the guest is up


def test_nobody_can_write_before_the_guest_is_up(boards: Make) -> None:
    board = boards(paused=True, boot=False)
    with pytest.raises(MachineError, match="the guest is not up"):
        board.machine.power.guest_write(online(1), "0")
    board.machine.cont()
    while board.machine.power.kernel is None:
        step(board)
    with pytest.raises(MachineError, match="the guest is not up"):
        board.machine.power.guest_write(online(1), "0")


def step(board: Board) -> None:
    deadline = board.machine.clock.next_deadline
    assert deadline is not None
    board.machine.clock.advance_to(deadline)


def test_the_power_button_pressed_before_launch_is_heard_by_the_guest(boards: Make) -> None:
    board = boards(paused=True, boot=False)
    board.machine.system_powerdown()
    board.machine.cont()
    board.settle()
    assert board.story() == [
        PowerdownRequested(),
        Resumed(),
        ShutdownRequested(guest=True, reason="guest-shutdown"),
    ]


def test_a_removal_asked_for_while_the_guest_boots_is_done_once_it_can_be(boards: Make) -> None:
    board = boards(paused=True, boot=False)
    board.add(2, "core2")
    board.machine.cont()
    while not board.machine.power.guest_has_begun:
        step(board)
    board.machine.device_del("core2")
    board.story()
    board.settle()
    assert board.story() == inserted(2, "core2") + removed(2, "core2")
    assert board.online() == [0, 1]


def test_a_guest_without_ears_is_left_alone_after_a_minute(board: Board) -> None:
    board.plug(2, "core2")
    ged = board.machine.ged
    assert ged is not None
    pulses: list[bool] = []
    ged.irq.disconnect()
    ged.irq.connect(pulses.append)
    start = board.machine.clock.now
    board.machine.device_del("core2")
    board.settle()
    assert pulses.count(True) == 17
    assert 60e9 < board.machine.clock.now - start < 70e9
    assert board.state().awaited == (2,)
