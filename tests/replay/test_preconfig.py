"""The reference's conversation before its machine was created, and how ours goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.replay.conversation import Replay

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.box import Box

END = {"execute": "x-exit-preconfig"}
"""Here the reference's process ends: it was to create a machine whose node has no memory."""
NO_MEMORY = "total memory for NUMA nodes (0x0) should equal RAM size (0x40000000)"


@pytest.fixture
def replayed() -> Iterator[Box]:
    """A machine with which the recording was held to its end: the last request excepted."""
    replay = Replay("04-preconfig")
    replay.leave_out_from(END)
    replay.run()
    assert replay.compared == 11
    yield replay.box
    replay.box.close()


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
