"""What QEMU's suite for the human monitor does: all commands are typed, and the prompt is back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.strangers.monitor import monitored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.strangers.monitor import Prompt, TypedMonitor

CPU = "cortex-a72-arm-cpu"
ENDS = {"quit"}
"""Commands behind which there is no prompt."""

PLAUSIBLE: dict[str, tuple[str, ...]] = {
    "closefd": ("closefd a", "closefd"),
    "cont": ("cont", "c"),
    "cpu": ("cpu 0", "cpu 1", "cpu 0x7fffffff", "cpu -1", "cpu 1/0"),
    "device_add": (
        f"device_add {CPU},id=c2,core-id=2",
        f"device_add {CPU},id=c2,core-id=3",
        f"device_add driver={CPU},core-id=3",
        "device_add help",
        f"device_add {CPU},help",
        "device_add",
        "device_add ,",
        'device_add "',
    ),
    "device_del": ("device_del c2", "device_del c2", "device_del /machine", "device_del"),
    "dumpdtb": ("dumpdtb /dev/null", "dumpdtb /nowhere/dtb", "dumpdtb"),
    "exit_preconfig": ("exit_preconfig", "exit_preconfig x"),
    "getfd": ("getfd a", "getfd"),
    "help": ("help", "?", "help info", "help stop", "help nosuch", 'help "'),
    "info": ("info", "info nosuch", "info cpus cpus"),
    "object_add": (
        "object_add authz-simple,id=a,identity=x",
        "object_add authz-simple,id=a,identity=x",
        "object_add memory-backend-ram,id=mem1,size=256M",
        "object_add help",
        "object_add authz-list,help",
        "object_add {",
        "object_add",
    ),
    "object_del": ("object_del a", "object_del mach-virt.ram", "object_del mem1"),
    "print": ("p $pc + 8", "print /x 0xffffffff + 1", "p/c 65", "p 1 % 0", "p (((", "p"),
    "qom-get": ("qom-get /machine type", "qom-get / nosuch", "qom-get /machine/ram addr"),
    "qom-list": ("qom-list /", "qom-list", "qom-list /machine", "qom-list nosuch"),
    "qom-set": ("qom-set /machine type x", "qom-set -j /machine type {", "qom-set /machine"),
    "quit": (),
    "stop": ("stop", "s", "stop now"),
    "system_powerdown": ("system_powerdown x",),
    "system_reset": ("system_reset",),
    "system_wakeup": ("system_wakeup", "system_wakeup now"),
    "x": ("x /8i 0x40000000", "x/4xw 0x40000000", "x/100000xg 0", "x 0xffffffffffffffff", "x"),
    "xp": ("xp /16x 0", "xp/4cb 0x08000000", "xp /999999999xb 0x40000000", "xp /z 0"),
}
"""Each command with arguments as a suite would think of, good and bad."""

OF_INFO: dict[str, tuple[str, ...]] = {
    "mtree": ("", " -f", " -d", " -f -f"),
    "qom-tree": ("", " /", " /machine", " nosuch", " a b"),
}
"""What may stand behind some of `info`'s."""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TypedMonitor, Prompt]]:
    with monitored(tmp_path_factory.mktemp("hmp"), "-smp", "2,maxcpus=4") as machine:
        yield machine


@pytest.fixture
def prompt(machine: tuple[TypedMonitor, Prompt]) -> Prompt:
    return machine[1]


def listed(prompt: Prompt, command: str) -> list[str]:
    """The names that `help` or `info` lists, without their other spellings."""
    lines = [line for line in prompt.type(command) if not line.startswith("\t")]
    prefix = "info " if command == "info" else ""
    return [line.removeprefix(prefix).split(" ")[0].split("|")[0] for line in lines]


def test_there_is_something_to_say_to_every_command(prompt: Prompt) -> None:
    assert PLAUSIBLE.keys() == set(listed(prompt, "help"))
    assert OF_INFO.keys() < set(listed(prompt, "info"))


@pytest.mark.parametrize("name", PLAUSIBLE)
def test_every_command_comes_back_to_the_prompt(
    machine: tuple[TypedMonitor, Prompt], name: str
) -> None:
    monitor, prompt = machine
    for line in PLAUSIBLE[name]:
        prompt.type(line)
        assert prompt.type("info name") == []
        monitor.human(line)
    assert monitor.get("query-status")["status"] in {"running", "paused", "prelaunch"}


def test_all_there_is_to_show_is_shown(machine: tuple[TypedMonitor, Prompt]) -> None:
    monitor, prompt = machine
    prompt.type("cpu 0")
    for name in listed(prompt, "info"):
        for rest in OF_INFO.get(name, ("", " x")):
            line = f"info {name}{rest}"
            shown = prompt.type(line)
            assert shown or name in {"name", "history"}
            assert name == "history" or monitor.human(line).split("\r\n")[:-1] == shown


def test_a_prompt_outlives_its_commands_and_quits(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with monitored(tmp_path_factory.mktemp("quit"), survives=False) as (monitor, prompt):
        prompt.leave("quit")
        assert monitor.next()["event"] == "SHUTDOWN"
