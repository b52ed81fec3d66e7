"""`armvirtd replay FILE`: does what was done again, and says whether the same came of it."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from daemon.app import StartError
from daemon.options.table import Exit, UsageError, parse
from daemon.recording.form import Recording, RecordingError
from daemon.recording.replay import Difference, Replay
from daemon.recording.replayed import ReplayedApp
from daemon.version import own_version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daemon.config import DaemonConfig
    from daemon.recording.form import Header


def run(argv: Sequence[str]) -> int:
    """Replay a recording; gives the exit status."""
    if len(argv) != 1 or argv[0].startswith("-"):
        return _fail("usage: armvirtd replay FILE")
    try:
        recording = Recording(argv[0])
        _tell_version(recording.header)
        return asyncio.run(_replay(recording))
    except RecordingError as error:
        return _fail(f"armvirtd: {error}")
    except (StartError, UsageError) as error:
        return _fail(f"armvirtd: {argv[0]}: its command line is not taken any more: {error}")
    except Difference as difference:
        print(f"{argv[0]}:{difference.line}: differs")  # noqa: T201 - it was asked for
        print(f"  expected: {difference.expected}")  # noqa: T201
        print(f"  got:      {difference.got}")  # noqa: T201
        return 1


async def _replay(recording: Recording) -> int:
    app = ReplayedApp(_configured(recording), recording.header, loop=asyncio.get_running_loop())
    try:
        replay = Replay(recording, app)
        replay.run()
    finally:
        app.close()
    killed = "has aborted" if app.aborted else "was killed"
    end = "" if replay.ended else f" (the recording has no end: its daemon {killed})"
    print(f"identical: {replay.compared} messages{end}")  # noqa: T201 - it was asked for
    return 0


def _configured(recording: Recording) -> DaemonConfig:
    """What the recorded daemon was started with, but for what it wrote elsewhere.

    Raises:
        UsageError: it is not taken.
    """
    try:
        config = parse(recording.header.argv)
    except Exit:
        raise RecordingError(f"{recording.path}: its command line starts no machine") from None
    left_out = {"record": None, "trace": None, "pidfile": None, "mqtt": None}
    return config.model_copy(update={"rtc": recording.header.rtc_base, **left_out})


def _tell_version(header: Header) -> None:
    if header.armvirtd != own_version():
        told = f"recorded by armvirtd {header.armvirtd}, replayed by {own_version()}"
        print(f"armvirtd: warning: {told}", file=sys.stderr)  # noqa: T201 - one clear line


def _fail(text: str) -> int:
    print(text, file=sys.stderr)  # noqa: T201 - the one clear line
    return 1
