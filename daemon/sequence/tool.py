"""`armvirtd sequence`: the operations in a trace, and a sequence diagram of one of them."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from daemon.sequence import mermaid, svg
from daemon.sequence.story import Story, stories
from daemon.trace.reader import TraceFileError, read_trace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

DRAWN: Mapping[str, Callable[[Story], str]] = {"mermaid": mermaid.draw, "svg": svg.draw}
LIST = "list"


class ToolError(Exception):
    """What was asked for can't be; the text is one line."""


class _Parser(argparse.ArgumentParser):
    """One that says in one line what is wrong, as the daemon does."""

    def error(self, message: str) -> NoReturn:
        raise ToolError(f"sequence: {message}")


def main(argv: Sequence[str]) -> int:
    """Draw what the arguments ask for; gives the exit status."""
    try:
        options = _parser().parse_args(argv)
        _write(_drawing(options), options.output)
    except BrokenPipeError:  # who reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ToolError, TraceFileError) as error:
        print(f"armvirtd: {error}", file=sys.stderr)  # noqa: T201 - the one clear line
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="armvirtd sequence",
        description="List the plugs and unplugs in a trace, or draw one of them.",
        epilog="example: armvirtd sequence trace.json --op 2 --format svg -o unplug.svg",
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE", help="what --trace FILE has written")
    parser.add_argument("--op", type=int, metavar="N", help="which one; without: the last")
    parser.add_argument(
        "--format",
        choices=(*DRAWN, LIST),
        help="mermaid with --op, list without, where it is not given",
    )
    parser.add_argument("-o", dest="output", metavar="FILE", help="write there, not to stdout")
    return parser


def _drawing(options: argparse.Namespace) -> str:
    """What is to be written.

    Raises:
        ToolError: there is no such operation.
        TraceFileError: the file is no trace.
    """
    found = stories(read_trace(options.file))
    form = options.format or (LIST if options.op is None else next(iter(DRAWN)))
    if form == LIST:
        return "".join(f"{_row(story)}\n" for story in found)
    if not found:
        raise ToolError(f"'{options.file}' has no operations")
    number = found[-1].operation.number if options.op is None else options.op
    story = next((story for story in found if story.operation.number == number), None)
    if story is None:
        raise ToolError(f"'{options.file}' has no operation {number}; there are 1 to {len(found)}")
    return DRAWN[form](story)


def _row(story: Story) -> str:
    """An operation in a line: number, when it began, how long it took, what came of it."""
    operation = story.operation
    began = f"{operation.began / 1e6:.6f} ms"
    return f"{operation.number:4}  {began:>18}  {story.took or '-':>10}  {story.title}"


def _write(text: str, where: str | None) -> None:
    """Write it, as a whole.

    Raises:
        ToolError: it can't be written.
        BrokenPipeError: nobody reads it any more.
    """
    try:
        if where is None:
            print(text, end="", flush=True)  # noqa: T201 - it was asked for
        else:
            Path(where).write_text(text, encoding="utf-8")
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ToolError(f"could not write '{where or 'stdout'}': {error.strerror}") from None
