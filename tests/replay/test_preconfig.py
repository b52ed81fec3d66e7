"""The reference's conversation before its machine was created, and how ours goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from daemon.config import DaemonConfig
from machine.config import MachineConfig
from tests.box import FLAT, Box
from tests.replay.test_recordings import Replay, entries

if TYPE_CHECKING:
    from collections.abc import Iterator

END = "qmp-closed"
"""Here the reference's process ends: it was to create a machine whose node has no memory."""
NO_MEMORY = "total memory for NUMA nodes (0x0) should equal RAM size (0x40000000)"


@pytest.fixture
def replayed() -> Iterator[Box]:
    """A machine with which the recording was replayed to its end: the last request included."""
    box = Box(
        DaemonConfig(machine=MachineConfig(topology=FLAT), preconfig=True),
        boot=False,
        negotiate=False,
    )
    replay = Replay(box)
    for direction, message in entries("04-preconfig"):
        if (direction, message) == ("note", END):
            break
        if direction == "send" and message["execute"] == "x-exit-preconfig":
            assert replay.compared == 11
            continue
        if direction == "send":
            replay.send(message)
        elif direction == "recv" and "QMP" not in message:
            replay.receive(message)
    replay.finish()
    yield box
    box.close()


def test_it_goes_the_same_way_up_to_the_machines_creation(replayed: Box) -> None:
    assert replayed.returned("query-status") == {"status": "prelaunch", "running": False}


def test_where_the_reference_ends_ours_tells_why_and_the_machine_is_still_to_come(
    replayed: Box,
) -> None:
    assert replayed.ask("x-exit-preconfig")["error"] == {"class": "GenericError", "desc": NO_MEMORY}
    assert replayed.ask("x-exit-preconfig")["error"]["desc"] == NO_MEMORY
    assert replayed.returned("query-status") == {"status": "prelaunch", "running": False}
    refused = replayed.ask("device_add", driver="cortex-a72-arm-cpu")["error"]["desc"]
    assert refused == (
        "The command 'device_add' is permitted only after machine initialization has completed"
    )
