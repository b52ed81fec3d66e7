"""From a command line to a running machine, and its end."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from typing import TYPE_CHECKING

import uvloop

from daemon.app import App, StartError
from daemon.options import parse
from daemon.usage import Exit, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daemon.config import DaemonConfig

PROGRAM = "armvirtd"


def run(argv: Sequence[str]) -> int:
    """Do what the command line says, given without the program's name; gives the exit status."""
    logging.basicConfig(format=f"{PROGRAM}: %(message)s", level=logging.WARNING)
    try:
        config = parse(argv)
        return uvloop.run(_serve(config))
    except Exit as text:
        print(text, end="")  # noqa: T201 - what was asked for
        return 0
    except (UsageError, StartError) as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)  # noqa: T201 - the one clear line
        return 1


async def _serve(config: DaemonConfig) -> int:
    loop = asyncio.get_running_loop()
    app = App(config, loop=loop)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, app.end_by_signal)
    await app.start()
    gc.freeze()  # what is there now stays: collections need not look through it again
    gc.enable()
    await app.run()
    return 0
