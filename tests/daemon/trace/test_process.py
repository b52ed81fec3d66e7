"""`--trace FILE` of a real daemon, which ends as it should, or does not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from daemon.sequence.story import stories
from daemon.trace.reader import read_trace
from tests.process import TIMEOUT, connected, daemon

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping
    from pathlib import Path

WORDS = ("-qmp", "unix:qmp.sock,server=on,wait=off", "--trace", "trace.json")


def ask(client: socket.socket, *commands: Mapping[str, object]) -> None:
    """Commands, each after the reply to the one before it; events are passed over."""
    lines = client.makefile("r", encoding="utf-8")
    assert "QMP" in lines.readline()
    for command in ({"execute": "qmp_capabilities"}, *commands):
        client.sendall(json.dumps(command).encode())
        while "event" in (reply := json.loads(lines.readline())):
            pass
        assert reply == {"return": {}}


PLUG = {
    "execute": "device_add",
    "arguments": {"driver": "cortex-a72-arm-cpu", "id": "core2", "core-id": 2},
}


def test_a_daemon_that_ends_leaves_a_file_that_is_whole(tmp_path: Path) -> None:
    with (
        daemon(tmp_path, *WORDS) as process,
        connected(tmp_path / "qmp.sock", process) as client,
    ):
        ask(client, PLUG, {"execute": "quit"})
        assert process.wait(TIMEOUT) == 0
    events = json.loads((tmp_path / "trace.json").read_text(encoding="utf-8"))
    begun = sum(event["ph"] == "B" for event in events)
    assert begun == sum(event["ph"] == "E" for event in events) > 0


def test_a_daemon_that_is_killed_leaves_a_file_that_tells_all(tmp_path: Path) -> None:
    with (
        daemon(tmp_path, *WORDS) as process,
        connected(tmp_path / "qmp.sock", process) as client,
    ):
        ask(client, PLUG)
        process.kill()
        process.wait(TIMEOUT)
    (story,) = stories(read_trace(str(tmp_path / "trace.json")))
    assert story.operation.title == "plug core2"
    assert story.steps[0].text == "device_add core2 core-id=2"
