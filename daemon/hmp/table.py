"""Every command of the human monitor."""

from daemon.hmp import control, devices, fds, memory, objects
from daemon.hmp.command import CommandTable, collect

COMMANDS: CommandTable = collect((control, devices, fds, memory, objects))
