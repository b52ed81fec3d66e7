"""Commands of the human monitor, declared once: parsing, help, completion and docs read one record.

::

    @hmp("device_del", args="id:s", params="device", help="remove device")
    def device_del(monitor: HumanMonitor, id: str) -> None: ...

A handler prints by returning, or yielding, lines without their ends. A refusal that it raises is
printed behind `Error: `, as QEMU's handlers print theirs.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from daemon.hmp.arguments import Parameter, parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import ModuleType

    from daemon.context import Context

_MARK = "__hmp_command__"

Handler = TypeVar("Handler", bound="Callable[..., Iterable[str] | None]")
Complete = TypeVar("Complete", bound="Callable[[Context], Iterable[str]]")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HmpCommand:
    """What is known of a command.

    Attributes:
        name: all its names, as `help` shows them: `quit|q`.
        wanted: the arguments.
        params: the arguments, as `help` shows them.
        help: what it does, as `help` shows it.
        handler: called with the monitor and the arguments.
        subcommands: those of `info`.
        complete: what its first argument may be.
        preconfig: whether there need not be a machine.
    """

    name: str
    wanted: tuple[Parameter, ...]
    params: str
    help: str
    handler: Callable[..., Iterable[str] | None]
    subcommands: CommandTable | None = None
    complete: Callable[[Context], Iterable[str]] | None = None
    preconfig: bool = False

    @property
    def names(self) -> list[str]:
        """Each of its names."""
        return self.name.split("|")

    @property
    def usage(self) -> str:
        """Its line in `help`."""
        return f"{self.name} {self.params} -- {self.help}"


class CommandTable:
    """Commands in the order in which `help` lists them: that of their names."""

    def __init__(self, commands: Iterable[HmpCommand]) -> None:
        self._commands = sorted(commands, key=lambda command: command.name)
        self._by_name = {name: command for command in self._commands for name in command.names}

    def __iter__(self) -> Iterator[HmpCommand]:
        return iter(self._commands)

    def find(self, name: str) -> HmpCommand | None:
        """The command of a name, if there is one."""
        return self._by_name.get(name)

    def names(self) -> list[str]:
        """Every name of every command."""
        return list(self._by_name)


def hmp(  # noqa: PLR0913 - one keyword for each column of QEMU's table
    name: str,
    *,
    args: str = "",
    params: str = "",
    help: str,  # noqa: A002 - the column's name
    subcommands: CommandTable | None = None,
    complete: Callable[[Context], Iterable[str]] | None = None,
    preconfig: bool = False,
) -> Callable[[Handler], Handler]:
    """Declare the function below as the handler of a command; see `HmpCommand`."""

    def mark(handler: Handler) -> Handler:
        record = HmpCommand(
            name=name,
            wanted=parameters(args),
            params=params,
            help=help,
            handler=handler,
            subcommands=subcommands,
            complete=complete,
            preconfig=preconfig,
        )
        setattr(handler, _MARK, record)
        return handler

    return mark


def collect(modules: Iterable[ModuleType]) -> CommandTable:
    """Gather the commands of the modules."""
    return CommandTable(_records(modules))


def _records(modules: Iterable[ModuleType]) -> Iterator[HmpCommand]:
    for module in modules:
        for member in vars(module).values():
            record: Any = getattr(member, _MARK, None) if inspect.isfunction(member) else None
            if isinstance(record, HmpCommand):
                yield record
