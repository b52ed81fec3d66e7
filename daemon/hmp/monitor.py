"""The human monitor: a line is a command, and what it prints is the answer.

Over QMP each `human-monitor-command` has a monitor of its own; a terminal keeps one, and with it
the current CPU and the format of the last dump. Lines end in CR LF.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from daemon.hmp.arguments import Format, read
from daemon.hmp.scan import SPACE, HmpError, Scanner, UntoldError
from daemon.hmp.table import COMMANDS
from machine.errors import MachineError
from protocol.errors import QmpError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from daemon.context import Context
    from daemon.hmp.command import CommandTable, HmpCommand
    from daemon.hmp.history import History
    from machine.cpu import ArmCpu
    from machine.virt import VirtMachine

log = logging.getLogger(__name__)


class HumanMonitor:
    """Executes lines in one context.

    Args:
        context: what QMP's handlers are given, too.
        cpu_index: the current CPU, a plugged one; without it, the first one.
        history: the lines before, if there is a terminal that keeps them.
    """

    def __init__(
        self,
        context: Context,
        *,
        cpu_index: int | None = None,
        history: History | None = None,
    ) -> None:
        self.context = context
        self.history = history
        self.commands = COMMANDS
        self.format = Format()
        self._cpu: ArmCpu | None = None
        if cpu_index is not None:
            self._cpu = self.machine.plugger.plugged[cpu_index]

    @property
    def machine(self) -> VirtMachine:
        """The machine."""
        return self.context.machine

    @property
    def cpu_index(self) -> int:
        """The current CPU's number: the first one's again where the chosen one has left."""
        plugged = self.machine.plugger.plugged
        for index, cpu in plugged.items():
            if cpu is self._cpu:
                return index
        return next(iter(plugged))

    def choose_cpu(self, index: int) -> bool:
        """Make a CPU the current one, if there is such a one."""
        chosen = self.machine.plugger.plugged.get(index)
        self._cpu = chosen or self._cpu
        return chosen is not None

    def qmp(self, name: str, /, **arguments: Any) -> Any:
        """Execute a QMP command's handler; what it returns.

        Raises:
            QmpError: it refuses.
            MachineError: the machine does.
        """
        return self.context.commands[name].call(self.context, arguments)

    def execute(self, line: str) -> str:
        """Execute one line; errors are text, too."""
        trace = self.context.current.trace
        if trace.on:
            trace("qmp", "handle_hmp_command", cmdline=ascii(line))
        printed: list[str] = []
        try:
            printed.extend(self._lines(line))
        except (QmpError, MachineError) as error:
            printed.append(f"Error: {error}")
        return "".join(f"{text}\n" for text in printed).replace("\n", "\r\n")

    def _lines(self, line: str) -> Iterator[str]:
        scan = Scanner(line)
        command = self._find(scan, self.commands)
        if isinstance(command, str):
            yield f"unknown command: '{command}'"
        elif command is not None:
            yield from self._run(command, scan)

    def _find(self, scan: Scanner, table: CommandTable) -> HmpCommand | str | None:
        """The command, or what was taken for one; None for an empty line."""
        if scan.ended():
            return None
        command = table.find(scan.until(f"/{SPACE}"))
        if command is None:
            return scan.text[: scan.at]
        if command.subcommands is not None and not scan.ended():
            return self._find(scan, command.subcommands)
        return command

    def available(self, command: HmpCommand) -> bool:
        """Whether there is what a command needs."""
        return command.preconfig or self.context.stage.planned is None

    def _run(self, command: HmpCommand, scan: Scanner) -> Iterator[str]:
        called = scan.text[: scan.at].rstrip(SPACE)
        if not self.available(command):
            yield f"Command '{called}' not available until machine initialization has completed."
            return
        try:
            arguments = read(scan, command.name, command.wanted, self.format)
        except HmpError as error:
            if isinstance(error, UntoldError):
                log.warning("%s: %s", called, error)
            else:
                yield str(error)
            yield f'Try "help {called}" for more information'
            return
        self.format = arguments.get("fmt", self.format)
        lines: Iterable[str] | None = command.handler(self, **arguments)
        yield from lines or ()
