"""docs/monitors.md: its numbers are the code's, and its devices all that there are."""

from __future__ import annotations

from typing import get_args

import pytest

from daemon.chardev.tls import HANDSHAKE_TIMEOUT
from daemon.chardev.transport import MAX_FDS
from daemon.config import FileChardev, NullChardev, PtyChardev, SocketChardev, StdioChardev
from daemon.connection import QUEUE_LENGTH, Limits
from daemon.options.chardev import MAKE
from tests.docs.pages import read, rows, section

PAGE = " ".join(read("docs/monitors.md").split())
LIMITS = Limits()


@pytest.mark.parametrize(
    "said",
    [
        f"once {LIMITS.high_water >> 10} KiB wait for it",
        f"once {LIMITS.overflow >> 20} MiB of events do",
        f"(`SCM_RIGHTS`, {MAX_FDS} at most with one message)",
        f"at most {QUEUE_LENGTH} of them",
        f"it has {HANDSHAKE_TIMEOUT:.0f} seconds for that",
    ],
)
def test_its_numbers_are_those_of_the_code(said: str) -> None:
    assert said in PAGE


def test_it_shows_the_devices_that_there_are() -> None:
    title = "Monitors and character devices"
    shown = [cells[0].strip("`") for cells in rows(section(read("docs/monitors.md"), title))]
    kinds = (SocketChardev, StdioChardev, NullChardev, FileChardev, PtyChardev)
    assert shown == [get_args(kind.model_fields["backend"].annotation)[0] for kind in kinds]
    assert shown == list(MAKE)
