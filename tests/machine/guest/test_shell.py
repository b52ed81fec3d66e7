"""What is typed at the serial port, and what comes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from machine.config import MachineConfig
from machine.events import AcpiDeviceOst, DeviceDeleted, ShutdownRequested, WasReset
from machine.guest.n_tty import LINE_MAX, NTty
from machine.memmap import UART0, UART0_SPI
from machine.runstate import RunState
from tests.machine.board import SIX, SMALL
from tests.machine.guest.recording import record
from tests.machine.guest.serial import SerialBoard

if TYPE_CHECKING:
    from collections.abc import Iterator

CPU = "/sys/devices/system/cpu"


@pytest.fixture
def serial() -> Iterator[SerialBoard]:
    board = SerialBoard(MachineConfig(SIX, ram_size=SMALL))
    board.settle()
    board.lines()
    board.story()
    yield board
    board.machine.close()


def said(serial: SerialBoard, line: str) -> list[str]:
    """What a line was answered, without its echo."""
    echo, *answer = serial.type(f"{line}\r")
    assert echo.removeprefix("/ # ") == line
    return answer


def test_an_empty_line_is_answered_with_a_prompt(serial: SerialBoard) -> None:
    serial.machine.uart.receive(b"\r")
    serial.settle()
    assert serial.printed == b"\r\n/ # "


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (f"cat {CPU}/possible {CPU}/present", ["0-5", "0-5"]),
        (f"cat {CPU}/enabled {CPU}/online", ["0-1", "0-1"]),
        (f"cat {CPU}/cpu1/online", ["1"]),
        ("nproc", ["2"]),
        ("echo 'a  b'  c; echo -n d; echo e", ["a  b c", "de"]),
        ("cat /nosuch", ["cat: can't open '/nosuch': No such file or directory"]),
        ("ls -l; echo $?", ["sh: ls: not found", "127"]),
        ("echo $?; cat /x; echo $?", ["0", "cat: can't open '/x': No such file or directory", "1"]),
        ("echo 'a", ["sh: syntax error: unterminated quoted string"]),
        ("cat x | cat", ['sh: syntax error: unexpected "|"']),
        ("nproc > x", ["sh: nproc: only echo can be redirected"]),
        ("echo 1 > /dev/null; echo $?", ["0"]),
        (
            f"echo 1 > {CPU}/cpu9/online",
            [f"sh: can't create {CPU}/cpu9/online: nonexistent directory"],
        ),
        (f"echo x >{CPU}/cpu1/online; echo rc $?", ["sh: write error: Invalid argument", "rc 1"]),
        ("echo mem > /sys/power/state", ["sh: write error: Invalid argument"]),
        ("echo >", ["sh: can't create : nonexistent directory"]),
        (";;", ['sh: syntax error: unexpected ";;"']),
        ("; echo a", ['sh: syntax error: unexpected ";"']),
        ("echo a;", ["a"]),
        (r"""echo ">" ';' \> "$?" a"b"'c'""", ["> ; > 0 abc"]),
    ],
)
def test_a_line_is_answered(serial: SerialBoard, line: str, answer: list[str]) -> None:
    assert said(serial, line) == answer


def test_a_cpu_goes_offline_and_comes_back(serial: SerialBoard) -> None:
    answer = said(serial, f"echo 0 > {CPU}/cpu1/online; cat {CPU}/online")
    assert answer == ["psci: CPU1 killed (polled 0 ms)", "0"]
    assert serial.online() == [0]
    answer = said(serial, f"echo 1 > {CPU}/cpu1/online; cat {CPU}/online")
    assert answer[-2:] == ["CPU1: Booted secondary processor 0x0000000001 [0x410fd083]", "0-1"]
    assert serial.online() == [0, 1]


def test_the_cpu_that_takes_the_ports_interrupt_may_go_too(serial: SerialBoard) -> None:
    answer = said(serial, f"echo 0 > {CPU}/cpu0/online; cat {CPU}/online")
    assert answer == ["psci: CPU0 killed (polled 0 ms)", "1"]
    assert said(serial, "nproc") == ["1"]
    answer = said(serial, f"echo 0 > {CPU}/cpu1/online; echo rc $?")
    assert answer == ["sh: write error: Device or resource busy", "rc 1"]
    assert said(serial, f"echo 1 > {CPU}/cpu0/online; nproc")[-1] == "2"


def test_a_cpu_is_ejected_by_the_guests_user(serial: SerialBoard) -> None:
    serial.plug(4, "c")
    serial.lines()
    serial.story()
    answer = said(serial, "echo 1 > /sys/bus/acpi/devices/ACPI0007:04/eject; echo rc $?")
    assert answer == ["rc 0", "psci: CPU4 killed (polled 0 ms)"]
    assert serial.story() == [
        AcpiDeviceOst(4, "c", 3, 0x84),
        DeviceDeleted("c", "/machine/peripheral/c"),
        AcpiDeviceOst(4, None, 0x103, 0),
    ]


def test_lines_that_are_typed_ahead_wait_for_their_turn(serial: SerialBoard) -> None:
    typed = f"echo 0 > {CPU}/cpu1/online\rnproc\recho 1 > {CPU}/cpu1/online\rnproc\r"
    serial.send(typed.encode())
    first, second = serial.printed.index(b"1\r\n/ # "), serial.printed.index(b"2\r\n/ # ")
    assert first < second
    assert serial.online() == [0, 1]


def test_poweroff_ends_the_machine(serial: SerialBoard) -> None:
    assert said(serial, "poweroff") == ["reboot: Power down"]
    assert serial.story() == [ShutdownRequested(guest=True, reason="guest-shutdown")]


def test_reboot_resets_it_and_the_shell_is_there_again(serial: SerialBoard) -> None:
    answer = said(serial, "reboot")
    assert answer[0] == "reboot: Restarting system"
    assert answer[1].startswith("ACPI: SPCR: console: ")
    assert serial.story() == [WasReset(guest=True, reason="guest-reset")]
    assert said(serial, "nproc") == ["2"]


def test_a_command_that_puts_the_system_to_sleep_ends_when_it_is_woken_up() -> None:
    serial = SerialBoard(MachineConfig(SIX, ram_size=SMALL, system_suspend=True))
    serial.settle()
    serial.lines()
    answer = said(serial, "echo mem > /sys/power/state; echo rc $?; nproc")
    assert answer[0] == "PM: suspend entry (deep)"
    assert answer[-1] == "psci: CPU1 killed (polled 0 ms)"
    assert serial.machine.run_state is RunState.SUSPENDED
    serial.machine.system_wakeup()
    serial.settle()
    assert serial.lines()[-3:] == ["PM: suspend exit", "rc 0", "2"]
    assert said(serial, "nproc") == ["2"]
    serial.machine.close()


def test_dmesg_has_the_boot(serial: SerialBoard) -> None:
    answer = said(serial, "dmesg")
    assert answer[0].startswith("ACPI: SPCR: console: ")
    assert "smp: Brought up 1 node, 2 CPUs" in answer


def test_what_is_mistyped_can_be_erased(serial: SerialBoard) -> None:
    serial.machine.uart.receive(b"npx\x7frox\x08c")
    serial.settle()
    assert serial.printed == b"npx\b \brox\b \bc"
    serial.lines()
    assert serial.type("\r")[-1] == "2"
    assert serial.type("reboot\x15nproc\r")[-1] == "2"
    assert serial.type("reboot\x03nproc\r")[-2:] == ["/ # nproc", "2"]
    assert serial.story() == []


def test_input_comes_by_interrupt_and_is_read_until_there_is_no_more(serial: SerialBoard) -> None:
    log = record(serial.machine)
    serial.settle()
    log.clear()
    serial.machine.uart.receive(b"ab")
    serial.settle()
    steps = [(step.verb, *step.args, step.result) for step in log]
    taken = steps.index(("mrs", "ICC_IAR1_EL1", 32 + UART0_SPI))
    loads = [step[1:] for step in steps[taken:] if step[0] == "load"][:5]
    flags, data = UART0.base + 0x18, UART0.base
    assert loads == [
        (flags, 4, 0x80),
        (data, 4, ord("a")),
        (flags, 4, 0x80),
        (data, 4, ord("b")),
        (flags, 4, 0x90),
    ]


WORDS = st.sampled_from(
    [
        *("echo", "cat", "nproc", "dmesg", "'", '"', ">", ";", "$?", "\\", "|", "0", "1", "mem"),
        *(f"{CPU}/cpu{n}/online" for n in (0, 1, 2, 99999999999999999999)),
        f"{CPU}/enabled",
        "/sys/bus/acpi/devices/ACPI0007:01/eject",
        "/sys/bus/acpi/devices/ACPI0007:ffffffffffffffffff/eject",
        "/sys/firmware/acpi/hotplug/processor/enabled",
        "/sys/power/state",
        "/proc/sysrq-trigger",
    ]
)
LINES = st.one_of(
    st.binary(max_size=40), st.lists(WORDS, max_size=6).map(lambda words: " ".join(words).encode())
)


@settings(max_examples=150, deadline=None)
@given(st.lists(LINES, max_size=5))
def test_whatever_is_typed_the_shell_lives(lines: list[bytes]) -> None:
    serial = SerialBoard(MachineConfig(SIX, ram_size=SMALL))
    serial.settle()
    for line in lines:
        serial.send(line + b"\r")
    serial.send(b"\x15\r")
    serial.printed.clear()
    serial.send(b"echo alive\r")
    assert serial.printed == b"echo alive\r\nalive\r\n/ # "
    serial.machine.close()


def test_a_line_that_is_too_long_is_cut_with_a_bell() -> None:
    lines: list[str] = []
    output = bytearray()
    tty = NTty(lines.append, output.clear, output.extend)
    tty.receive(b"x" * (LINE_MAX + 2) + b"\r")
    assert lines == ["x" * LINE_MAX]
    assert output == b"x" * LINE_MAX + b"\a\a\n"


def test_control_characters_are_shown_and_other_bytes_are_left_alone() -> None:
    lines: list[str] = []
    output = bytearray()
    tty = NTty(lines.append, output.clear, output.extend)
    tty.receive(b"\x01\xc3\xa4\x7f\x7f\x7f\x7f\n")
    assert output.startswith(b"^A\xc3\xa4\b \b\b \b\b \b\b \b\n")
    assert lines == [""]
