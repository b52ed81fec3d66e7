"""What `armvirtd WORD ...` does besides serving a machine: one word for each tool.

A tool is imported when it is asked for: the start of a machine does not pay for any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Tool:
    """One of them.

    Attributes:
        usage: the shape of its arguments.
        help: what it is for.
        run: takes its arguments, gives the exit status.
    """

    usage: str
    help: str
    run: Callable[[Sequence[str]], int]


def _top(argv: Sequence[str]) -> int:
    from daemon.top.main import main  # noqa: PLC0415 - see above

    return main(argv)


def _sequence(argv: Sequence[str]) -> int:
    from daemon.sequence.tool import main  # noqa: PLC0415 - see above

    return main(argv)


def _scenarios(argv: Sequence[str]) -> int:
    from daemon.scenarios_tool import run  # noqa: PLC0415 - see above

    return run(argv)


def _replay(argv: Sequence[str]) -> int:
    from daemon.replay import run  # noqa: PLC0415 - see above

    return run(argv)


TOOLS: Mapping[str, Tool] = {
    "replay": Tool("FILE", "run what --record has written again, and tell what differs", _replay),
    "top": Tool(
        "[SOCKET] [--once] [--interval S]",
        "show each CPU of a machine in its state, as they come and go",
        _top,
    ),
    "sequence": Tool(
        "FILE [--op N] [--format mermaid|svg|list] [-o FILE]",
        "list the plugs and unplugs in a trace, or draw one of them",
        _sequence,
    ),
    "scenarios": Tool("[NAME]", "list the ready-made scenarios, or print one", _scenarios),
}
"""By the word that asks for it."""


def tools_help() -> str:
    """What `-help` says of them."""
    return "".join(
        f"armvirtd {word} {tool.usage}\n        {tool.help}\n" for word, tool in TOOLS.items()
    )
