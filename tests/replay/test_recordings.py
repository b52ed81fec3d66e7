"""The reference's conversations, held again with ours."""

from __future__ import annotations

import pytest

from tests.replay.comparison import DIFFERENT
from tests.replay.conversation import Replay, entries

RECORDINGS = {
    "01-info-flat": 173,
    "01-info-topo": 233,
    "02-03-plug-unplug": 488,
    "04-machine-acpi-off": 14,
    "04-machine-tcg-single": 14,
    "04-negotiation": 15,
    "05-batch-del3-fix": 28,
    "05-boot-cpu-eject-then-readd": 5,
    "05-coldplug-device": 199,
    "05-guest-refuse": 60,
    "05-stop-cont": 31,
}
"""Each with how many messages are compared: those that have to agree."""


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recorded_conversation_goes_the_same_way(name: str) -> None:
    replay = Replay(name)
    replay.run()
    assert replay.compared == RECORDINGS[name]
    replay.box.close()


def test_differences_begin_at_notes_that_are_there() -> None:
    for name, note in DIFFERENT:
        assert ("note", note) in list(entries(name))
