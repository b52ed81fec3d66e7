"""QEMU's full-screen client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.process import daemon, wait_for
from tests.strangers.terminal import terminal

if TYPE_CHECKING:
    from pathlib import Path

DOWN = "\x1b[B"
"""To where one types."""

SEND = "\x1b\r"
"""Alt and Enter."""


def test_the_tui_connects_negotiates_and_shows_a_reply(tmp_path: Path) -> None:
    with daemon(tmp_path) as process:
        wait_for(tmp_path / "qmp.sock", process)
        with terminal(tmp_path, "qmp-tui", "./qmp.sock") as tui:
            tui.until("Connected ./qmp.soc", nudge=DOWN)
            tui.type('{"execute": "query-target"}' + SEND).until("aarch64", nudge=" ")
