"""What Tab makes of a line: names of commands, device types, device ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daemon.hmp.scan import SPACE, words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from daemon.context import Context
    from daemon.hmp.command import CommandTable

MOST = 256
"""Completions that are told of: QEMU's number."""


def completions(context: Context, commands: CommandTable, text: str) -> tuple[str, list[str]]:
    """Complete the last word of a line: what there is of it, and what it could be, sorted."""
    found = words(text)
    if found is None:
        return "", []
    if text.endswith(tuple(SPACE)):
        found.append("")
    start = found[-1] if found else ""
    fitting = {name for name in _candidates(context, commands, found) if name.startswith(start)}
    return start, sorted(fitting)[:MOST]


def _candidates(context: Context, commands: CommandTable, given: list[str]) -> Iterable[str]:
    table = commands
    while len(given) > 1:
        command = table.find(given[0])
        if command is None:
            return ()
        given = given[1:]
        if command.subcommands is not None:
            table = command.subcommands
        elif "help" in command.names:
            table = commands
        else:
            complete = command.complete if context.stage.planned is None else None
            return complete(context) if complete is not None and len(given) == 1 else ()
    return table.names()
