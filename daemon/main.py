"""From a command line to a running machine, and its end."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING

import uvloop

from daemon.app import App, StartError
from daemon.options.table import parse
from daemon.options.usage import Exit, UsageError
from daemon.tools import TOOLS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daemon.config import DaemonConfig

log = logging.getLogger(__name__)

PROGRAM = "armvirtd"
STDERR = 2
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""Signals that end the machine."""


def run(argv: Sequence[str]) -> int:
    """Do what the command line says, given without the program's name; gives the exit status."""
    _complete_streams()
    logging.basicConfig(format=f"{PROGRAM}: %(message)s", level=logging.WARNING)
    try:
        if argv and argv[0] in TOOLS:
            return TOOLS[argv[0]].run(argv[1:])
        config = parse(argv)
        return 0 if _dump(config) else uvloop.run(_serve(config))
    except Exit as text:
        return _tell(str(text))
    except (UsageError, StartError) as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)  # noqa: T201 - the one clear line
        return 1


def _dump(config: DaemonConfig) -> bool:
    """Write what is to be written in place of a start, if anything is."""
    if config.dump_acpi is None and config.dump_dtb is None:
        return False
    from daemon.dump import dump_acpi, dump_device_tree  # noqa: PLC0415 - few ask for it

    if config.dump_acpi is not None:
        dump_acpi(config.machine, config.dump_acpi)
    if config.dump_dtb is not None:
        dump_device_tree(config.machine, config.dump_dtb)
        told = f"{PROGRAM}: info: dtb dumped to {config.dump_dtb}. Exiting."
        print(told, file=sys.stderr)  # noqa: T201 - as QEMU says it
    return True


def _complete_streams() -> None:
    """Where standard streams are closed, let nothing else get their numbers."""
    fd = os.open(os.devnull, os.O_RDWR)
    while fd <= STDERR:
        fd = os.open(os.devnull, os.O_RDWR)
    os.close(fd)
    if sys.stderr is None:
        sys.stderr = open(STDERR, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - for good


def _tell(text: str) -> int:
    """Print what was asked for; gives the exit status."""
    try:
        print(text, end="", flush=True)  # noqa: T201 - it was asked for
    except OSError as error:
        log.error("standard output: %s", error.strerror)  # noqa: TRY400 - one line is clear
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is not flushed
        return 1
    return 0


async def _serve(config: DaemonConfig) -> int:
    loop = asyncio.get_running_loop()
    app = App(config, loop=loop)
    for number in ENDING:
        loop.add_signal_handler(number, app.end_by_signal)
    await app.start()
    gc.freeze()  # what is there now stays: collections need not look through it again
    gc.enable()
    status = await app.run()
    _be_deaf(loop)
    return status


def _be_deaf(loop: asyncio.AbstractEventLoop) -> None:
    """Let signals do nothing any more: what they ask for has happened, and it went well."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # while what catches them changes
    for number in ENDING:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)
