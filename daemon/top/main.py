"""`armvirtd top`: its arguments, and whether there is a terminal to draw on."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from typing import TYPE_CHECKING

from rich.console import Console

from daemon.arguments import INTERRUPTED, seconds
from daemon.top.address import parse
from daemon.top.client import PATIENCE, Client, Gone, TopError
from daemon.top.live import Top
from daemon.top.table import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daemon.config import TcpAddress, UnixAddress

PROGRAM = "armvirtd top"
DEFAULT = "./qmp.sock"


def main(argv: Sequence[str]) -> int:
    """Run it; gives the exit status."""
    options = _parser().parse_args(argv)
    logging.getLogger("qemu").setLevel(logging.CRITICAL + 1)  # what it has to say, we do
    try:
        _run(options)
    except TopError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)  # noqa: T201 - the one clear line
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        sys.stdout = None
        return 1
    return 0


def _run(options: argparse.Namespace) -> None:
    console = Console(highlight=False)
    if options.once or not sys.stdout.isatty() or console.is_dumb_terminal:
        lines = asyncio.run(_once(options.socket))
        print("\n".join(lines), flush=True)  # noqa: T201 - it was asked for
    elif farewell := asyncio.run(_live(options, console)):
        print(farewell)  # noqa: T201 - the screen is gone, and this says why


async def _live(options: argparse.Namespace, console: Console) -> str:
    return await Top(options.socket, console, options.interval).run()


async def _once(address: UnixAddress | TcpAddress) -> list[str]:
    """The machine as it is now.

    Raises:
        TopError: it can't be shown.
    """
    client = Client(address, lambda _event: None)
    await client.connect()
    try:
        async with asyncio.timeout(PATIENCE):
            return plain(await client.snapshot())
    except (Gone, TimeoutError) as error:
        told = "the machine has gone" if isinstance(error, Gone) else "the machine does not answer"
        raise TopError(f"{address}: {told}") from None
    finally:
        await client.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Show each possible CPU of a machine in its state, as they come and go.",
        epilog=f"example: {PROGRAM} tcp:localhost:4444",
    )
    parser.add_argument(
        "socket",
        nargs="?",
        type=_address,
        default=DEFAULT,
        metavar="SOCKET",
        help=f"a QMP monitor: PATH, unix:PATH or tcp:HOST:PORT; {DEFAULT} if not given",
    )
    parser.add_argument(
        "--once", action="store_true", help="print a plain table once, as without a terminal"
    )
    parser.add_argument(
        "--interval",
        type=seconds,
        default=1.0,
        metavar="S",
        help="seconds after which to ask again if nothing happens; 1 if not given",
    )
    return parser


def _address(text: str) -> UnixAddress | TcpAddress:
    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
