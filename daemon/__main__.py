"""`armvirtd`, and `python -m daemon`: from a command line to a running machine, and its end."""

from __future__ import annotations

import asyncio
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


def main(argv: Sequence[str] | None = None) -> int:
    """Run; gives the exit status."""
    logging.basicConfig(format=f"{PROGRAM}: %(message)s", level=logging.WARNING)
    try:
        config = parse(sys.argv[1:] if argv is None else list(argv))
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
    await app.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
