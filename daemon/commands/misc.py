"""QAPI misc: the machine's name, the human monitor."""

from typing import TYPE_CHECKING

from protocol.command import command
from protocol.errors import QmpError
from protocol.model import Int64
from protocol.qapi.misc import NameInfo

if TYPE_CHECKING:
    from daemon.context import Context


@command("query-name", allow_preconfig=True, static=True)
def query_name(context: "Context") -> NameInfo:
    """Return the machine's name, if it was given one."""
    return NameInfo(name=context.current.config.name)


@command("x-exit-preconfig", allow_preconfig=True)
def x_exit_preconfig(context: "Context") -> None:
    """Create the machine that `--preconfig` has put off."""
    context.stage.create(context.objects.backend_sizes())


@command("human-monitor-command")
def human_monitor_command(
    context: "Context",
    command_line: str,
    cpu_index: Int64 | None = None,
) -> str:
    """Execute a command of the human monitor, and return what it prints."""
    if cpu_index is not None and cpu_index not in context.machine.plugger.plugged:
        raise QmpError("Parameter 'cpu-index' expects a CPU number")
    # Few clients ask for it, and its commands and formats are as many modules as QMP's.
    from daemon.hmp.monitor import HumanMonitor  # noqa: PLC0415 - see above

    return HumanMonitor(context, cpu_index=cpu_index).execute(command_line)
