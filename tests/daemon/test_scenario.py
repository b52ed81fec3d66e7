"""Scenario files: what is in them, and the one line for whatever is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from daemon.options.scenario import USUAL
from daemon.options.table import UsageError, parse
from daemon.scenario import read_scenario, ready_made
from machine.faults.stage import Stage
from machine.guest.behaviour import MS, Behaviour, KernelKind, OnlinePolicy

if TYPE_CHECKING:
    from pathlib import Path

    from machine.config import MachineConfig

WHOLE = """
description = "all of it"

[guest]
kernel = "no-ged"
online = "never"
online-delay = 0.5
isolated = [2, 1]
load = 0.25
speed = 2
boot-time = 3

[[stage]]
name = "a"
when = "eject-request"
cpu = 3
delay = 1.5
jitter = 1
probability = 0.5
skip = 1
count = 2
do = "accept"

[[stage]]
when = "now"
do = "hang"
duration = 7

[[stage]]
when = "command"
command = "stop"
do = "drop-after-reply"

[[stage]]
when = "up"
do = "eject"
target = 2
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "play.toml"


def started(file: Path, text: str, *argv: str) -> MachineConfig:
    """The machine of a command line with a scenario."""
    file.write_text(text, encoding="utf-8")
    return parse(["--scenario", str(file), *argv]).machine


def refusal(file: Path, text: str, *argv: str) -> str:
    """What is wrong, without the file's name, which must be there once."""
    with pytest.raises(UsageError) as caught:
        started(file, text, *argv)
    start, middle, rest = str(caught.value).partition(f"--scenario {file}: ")
    assert (start, middle) == ("", f"--scenario {file}: ")
    assert "\n" not in rest
    return rest


def test_a_file_says_what_the_guest_is_like_and_what_is_to_go_otherwise(file: Path) -> None:
    machine = started(file, WHOLE)
    assert machine.behaviour == Behaviour(
        KernelKind.NO_GED, OnlinePolicy.NEVER, MS // 2, frozenset({1, 2}), 0.25, 2, 3 * MS
    )
    assert machine.stages == (
        Stage(
            *("eject-request", "accept", "a", 3),
            delay=1_500_000,
            jitter=MS,
            probability=0.5,
            skip=1,
            count=2,
        ),
        Stage("now", "hang", "play-1", duration=7 * MS),
        Stage("command", "drop-after-reply", "play-2", command="stop"),
        Stage("up", "eject", "play-3", target=2),
    )


def test_without_a_scenario_the_guest_is_as_slow_as_a_real_one() -> None:
    assert parse([]).machine.behaviour == USUAL == Behaviour(speed=1)


def test_an_empty_file_changes_nothing(file: Path) -> None:
    assert started(file, "") == parse([]).machine


def test_stages_add_up_and_of_guests_the_last_one_counts(tmp_path: Path, file: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text('[guest]\nload = 0.5\nonline = "kernel"', encoding="utf-8")
    machine = started(file, WHOLE, "--scenario", str(other), "--scenario", "late-success")
    assert machine.behaviour.load == 0.5
    assert machine.behaviour.kernel is KernelKind.NO_GED
    assert [stage.name for stage in machine.stages] == ["a", "play-1", "play-2", "play-3", "late"]


@pytest.mark.parametrize(("word", "speed"), [("instant", None), ("2.5", 2.5), ("1e2", 100)])
def test_the_option_for_the_speed_wins(file: Path, word: str, speed: float | None) -> None:
    assert started(file, WHOLE, "--guest-speed", word).behaviour.speed == speed
    assert parse(["--guest-speed", word, "--scenario", str(file)]).machine.behaviour.speed == speed


@pytest.mark.parametrize("word", ["0", "-1", "nan", "inf", "fast", ""])
def test_a_speed_that_is_none_is_refused(word: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(["--guest-speed", word])
    assert str(caught.value).endswith(": expects a positive number or 'instant'")


def test_the_seed_is_a_number() -> None:
    assert parse([]).machine.seed == 0
    assert parse(["--seed", "42"]).machine.seed == 42
    for word in ("-1", "x", "1.5", ""):
        with pytest.raises(UsageError, match=r"--seed.*: expects a number that is not negative"):
            parse(["--seed", word])


STAGE = '[[stage]]\nwhen = "eject-request"\ndo = "busy"\n'
WRONG = [
    ("x = 1", "Parameter 'x' is unexpected; there are: description, guest, stage"),
    ("description = 1", "Invalid parameter type for 'description', expected: string"),
    ("guest = 1", "Invalid parameter type for 'guest', expected: object"),
    (
        "[guest]\nonline_delay = 1",
        (
            "Parameter 'guest.online_delay' is unexpected; there are: kernel, online, "
            "online-delay, isolated, load, speed, boot-time"
        ),
    ),
    (
        '[guest]\nkernel = "windows"',
        (
            "Parameter 'guest.kernel' does not accept value 'windows'; it is one of: hotplug, "
            "no-hotplug, no-ged"
        ),
    ),
    ("[guest]\nonline = true", "Invalid parameter type for 'guest.online', expected: string"),
    (
        "[guest]\nonline-delay = -1",
        "Parameter 'guest.online-delay' expects a number that is not negative",
    ),
    ("[guest]\nboot-time = inf", "Parameter 'guest.boot-time' is out of range"),
    ("[guest]\nload = 1", "Parameter 'guest.load' expects a number from 0 to below 1"),
    ("[guest]\nload = nan", "Parameter 'guest.load' expects a number from 0 to below 1"),
    ("[guest]\nspeed = true", "Parameter 'guest.speed' expects a number or 'instant'"),
    ('[guest]\nspeed = "fast"', "Parameter 'guest.speed' expects a number or 'instant'"),
    ("[guest]\nspeed = 0", "Parameter 'guest.speed' expects a positive number"),
    (
        "[guest]\nisolated = [1, 8]",
        "Parameter 'guest.isolated' does not accept value '8'; correct range is 0:7",
    ),
    (
        '[guest]\nisolated = [1, "2"]',
        "Invalid parameter type for 'guest.isolated[1]', expected: integer",
    ),
    ("[stage]\n", "Invalid parameter type for 'stage', expected: array"),
    ("[[stage]]\n", "Parameter 'stage[0].when' is missing"),
    ('[[stage]]\nwhen = "up"', "Parameter 'stage[0].do' is missing"),
    (
        STAGE + '[[stage]]\nwhen = "eject-request"\ndo = "denied"',
        (
            "Parameter 'stage[1].do' does not accept value 'denied'; it is one of: accept, ignore, "
            "fail, not-supported, in-use, busy, dependency, online, offline, eject, reboot, "
            "poweroff, panic, hang, corrected-error, uncorrected-error, internal-error, abort"
        ),
    ),
    (
        '[[stage]]\nwhen = "never"\ndo = "busy"',
        (
            "Parameter 'stage[0].when' does not accept value 'never'; it is one of: now, boot, up, "
            "device-check, eject-request, online, offline, plug, unplug-request, unplug, reset, "
            "unpark, cpu-on, cpu-off, command"
        ),
    ),
    (
        STAGE + "dealy = 1",
        (
            "Parameter 'stage[0].dealy' is unexpected; there are: when, do, name, cpu, target, "
            "command, delay, jitter, probability, skip, count, duration"
        ),
    ),
    (STAGE + "cpu = 8", "Parameter 'stage[0].cpu' does not accept value '8'; correct range is 0:7"),
    (STAGE + 'cpu = "3"', "Invalid parameter type for 'stage[0].cpu', expected: integer"),
    (STAGE + "cpu = 3.0", "Invalid parameter type for 'stage[0].cpu', expected: integer"),
    (STAGE + "target = 3", "Parameter 'stage[0].target' does not go with do=busy"),
    (STAGE + "delay = -1", "Parameter 'stage[0].delay' expects a number that is not negative"),
    (STAGE + "delay = true", "Invalid parameter type for 'stage[0].delay', expected: number"),
    (STAGE + "delay = nan", "Parameter 'stage[0].delay' is out of range"),
    (STAGE + "jitter = 1e300", "Parameter 'stage[0].jitter' is out of range"),
    (STAGE + "probability = 2", "Parameter 'stage[0].probability' expects a number from 0 to 1"),
    (STAGE + "count = 0", "Parameter 'stage[0].count' expects a positive number"),
    (STAGE + "duration = 1", "Parameter 'stage[0].duration' does not go with do=busy"),
    (STAGE + 'command = "stop"', "Parameter 'stage[0].command' needs when=command"),
    (
        '[[stage]]\nwhen = "command"\ndo = "accept"\ncommand = "x-stop"',
        "Parameter 'stage[0].command' does not accept value 'x-stop'; it is one of QEMU's own",
    ),
    (STAGE + 'name = "1"', "Parameter 'stage[0].name' expects an identifier"),
    (
        STAGE + 'name = "a"\n' + STAGE + 'name = "a"',
        "Parameter 'stage[1].name': Duplicate ID 'a' for fault",
    ),
    ("[guest", "not TOML: Expected ']' at the end of a table declaration (at end of document)"),
    ("a = 1\na = 2\n", "not TOML: Cannot overwrite a value (at line 2, column 6)"),
    ("a = " + "[" * 100_000, "not TOML: nested too deep"),
]


@pytest.mark.parametrize(("text", "complaint"), WRONG, ids=[line for _, line in WRONG])
def test_what_is_wrong_is_told_in_one_line(file: Path, text: str, complaint: str) -> None:
    assert refusal(file, text) == complaint


def test_a_cpu_is_one_of_this_machine(file: Path) -> None:
    text = STAGE + "cpu = 8"
    assert started(file, text, "-smp", "2,maxcpus=9").stages[0].cpu == 8
    assert refusal(file, text, "-smp", "2,maxcpus=4").endswith("correct range is 0:3")
    assert refusal(file, text, "-M", "virt,gic-version=2").endswith("correct range is 0:1")


def test_names_are_unique_over_all_files(file: Path) -> None:
    text = STAGE + 'name = "late"'
    with pytest.raises(UsageError) as caught:
        started(file, text, "--scenario", "late-success")
    assert str(caught.value) == (
        "--scenario late-success: Parameter 'stage[0].name': Duplicate ID 'late' for fault"
    )


def test_a_name_that_is_taken_is_not_given_again(file: Path) -> None:
    machine = started(file, STAGE + STAGE + 'name = "play-1"')
    assert [stage.name for stage in machine.stages] == ["play-2", "play-1"]


def test_a_file_that_is_not_there_is_told_with_the_names_that_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nosuch: No such file or directory; ready-made ones: "):
        parse(["--scenario", "nosuch"])
    gone = str(tmp_path / "nosuch.toml")
    with pytest.raises(UsageError, match=r"nosuch.toml: No such file or directory$"):
        parse(["--scenario", gone])
    with pytest.raises(UsageError, match=r": Is a directory$"):
        parse(["--scenario", str(tmp_path)])


def test_a_file_that_is_no_text_is_refused(file: Path) -> None:
    file.write_bytes(b"\xff")
    with pytest.raises(UsageError, match=r"play.toml: not UTF-8$"):
        parse(["--scenario", str(file)])


def test_it_is_there_before_the_machine_is_created(file: Path) -> None:
    file.write_text(STAGE, encoding="utf-8")
    config = parse(["--preconfig", "--scenario", str(file)])
    assert [stage.do for stage in config.machine.stages] == ["busy"]


@pytest.mark.parametrize("name", ready_made())
def test_a_ready_made_one_is_in_order(name: str) -> None:
    scenario = read_scenario(name)
    assert scenario.description
    assert scenario.description[0].islower() or scenario.description[0].isupper()
    machine = parse(["--scenario", name]).machine
    assert machine.stages == scenario.stages
    assert machine.stages or machine.behaviour != USUAL
