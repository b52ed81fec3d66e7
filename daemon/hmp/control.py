"""The monitor itself, and the machine as a whole: help, info, run, stand still, reset, end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daemon.hmp import info as info_commands
from daemon.hmp.command import CommandTable, collect, hmp
from daemon.hmp.scan import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from daemon.hmp.monitor import HumanMonitor

COMMANDS_OF_INFO: CommandTable = collect((info_commands,))


@hmp("help|?", args="name:S?", params="[cmd]", help="show the help", preconfig=True)
def help_(monitor: HumanMonitor, name: str = "") -> Iterator[str]:
    """Describe a command, or list all of them."""
    wanted = words(name)
    if wanted is not None:
        yield from _described(monitor, monitor.commands, wanted, 0)


@hmp(
    "info",
    args="item:s?",
    params="[subcommand]",
    help="show various information about the system state",
    subcommands=COMMANDS_OF_INFO,
    preconfig=True,
)
def info(monitor: HumanMonitor) -> Iterator[str]:
    """List what there is to show."""
    return _described(monitor, monitor.commands, ["info"], 0)


def _described(
    monitor: HumanMonitor, table: CommandTable, wanted: list[str], depth: int
) -> Iterator[str]:
    prefix = "".join(f"{word} " for word in wanted[:depth])
    if depth == len(wanted):
        yield from (f"{prefix}{each.usage}" for each in table if monitor.available(each))
        return
    command = table.find(wanted[depth])
    if command is None:
        yield f"unknown command: '{prefix}{wanted[depth]}'"
    elif command.subcommands is not None:
        yield from _described(monitor, command.subcommands, wanted, depth + 1)
    else:
        yield f"{prefix}{command.usage}"


@hmp("quit|q", help="quit the emulator", preconfig=True)
def quit_(monitor: HumanMonitor) -> None:
    """End the machine and the daemon."""
    monitor.qmp("quit")


@hmp(
    "exit_preconfig",
    help="exit the preconfig state",
    preconfig=True,
)
def exit_preconfig(monitor: HumanMonitor) -> None:
    """Create the machine."""
    monitor.qmp("x-exit-preconfig")


@hmp("stop|s", help="stop emulation")
def stop(monitor: HumanMonitor) -> None:
    """Stop all vCPUs."""
    monitor.qmp("stop")


@hmp("cont|c", help="resume emulation")
def cont(monitor: HumanMonitor) -> None:
    """Let the vCPUs run."""
    monitor.qmp("cont")


@hmp("system_reset", help="reset the system")
def system_reset(monitor: HumanMonitor) -> None:
    """Reset the machine."""
    monitor.qmp("system_reset")


@hmp("system_powerdown", help="send system power down event")
def system_powerdown(monitor: HumanMonitor) -> None:
    """Press the power button."""
    monitor.qmp("system_powerdown")


@hmp("system_wakeup", help="wakeup guest from suspend")
def system_wakeup(monitor: HumanMonitor) -> None:
    """Wake up a guest that has suspended the system."""
    monitor.qmp("system_wakeup")


@hmp("cpu", args="index:i", params="index", help="set the default CPU")
def cpu(monitor: HumanMonitor, index: int) -> Iterator[str]:
    """Choose the CPU that `info cpus` marks."""
    if not monitor.choose_cpu(index):
        yield "invalid CPU index"


@hmp(
    "dumpdtb", args="filename:F", params="filename", help="dump the FDT in dtb format to 'filename'"
)
def dumpdtb(monitor: HumanMonitor, filename: str) -> Iterator[str]:
    """Write the machine's device tree to a file."""
    monitor.qmp("dumpdtb", filename=filename)
    yield f"info: dtb dumped to {filename}"
