"""QAPI misc: what the command line takes."""

from typing import TYPE_CHECKING

from protocol.command import command
from protocol.errors import QmpError
from protocol.qapi.options import (
    CommandLineOptionInfo,
    CommandLineParameterInfo,
    CommandLineParameterType,
)

if TYPE_CHECKING:
    from daemon.context import Context
    from daemon.options.parameters import Group


@command("query-command-line-options", allow_preconfig=True)
def query_command_line_options(
    _context: "Context", option: str | None = None
) -> list[CommandLineOptionInfo]:
    """List the options that have parameters, or tell of one of them."""
    from daemon.options.table import GROUPS  # noqa: PLC0415 - a machine may be without a command line

    listed = [_shown(group) for name, group in GROUPS.items() if option in {None, name}]
    if option is not None and not listed:
        raise QmpError(f"invalid option name: {option}")
    return listed


def _shown(group: "Group") -> CommandLineOptionInfo:
    return CommandLineOptionInfo(
        option=group.name,
        parameters=[
            CommandLineParameterInfo(
                name=parameter.name,
                type=CommandLineParameterType(parameter.type),
                help=parameter.help,
                default=parameter.default,
            )
            for parameter in group.parameters
        ],
    )
