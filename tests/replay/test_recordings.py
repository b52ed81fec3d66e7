"""The reference's conversations: same requests, same replies and events, in the same order."""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.box import Box
from tests.replay.comparison import comparison_for, same

if TYPE_CHECKING:
    from collections.abc import Iterator

TRANSCRIPTS = Path(__file__).parent.parent / "data" / "transcripts"

UNTIL: dict[str, str] = {
    "05-stop-cont": "add+del while stopped, then cont",
}
"""The note at which a replay ends: there the reference loses a removal that waits behind an
insertion, and ours delivers it."""


def entries(name: str) -> Iterator[tuple[str, Any]]:
    for line in (TRANSCRIPTS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if entry["dir"] == "note" and entry["obj"] == UNTIL.get(name):
            return
        yield entry["dir"], entry["obj"]


class Replay:
    """Feeds what was sent, and holds what comes back against what was received."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._arrived: deque[Any] = deque()
        self._requests: deque[Any] = deque()
        self.compared = 0

    def send(self, sent: Any) -> None:
        if self._requests:
            self._leave_out()
        data = sent if isinstance(sent, str) else json.dumps(sent)
        self._requests.extend([sent] if isinstance(sent, dict) else [None] * data.count("execute"))
        self._arrived.extend(self._box.send(data.encode()))

    def _leave_out(self) -> None:
        """The recording has no reply to a request (it was too long): so nobody looks at ours."""
        self._requests.clear()
        self._arrived.clear()

    def receive(self, recorded: Any) -> None:
        if "event" not in recorded and not self._requests:
            self.send({"execute": "query-commands"})  # whose request the recording left out
        if not self._arrived:
            self._arrived.extend(self._box.settle())
        assert self._arrived, f"nothing came where the reference sent {recorded}"
        ours = self._arrived.popleft()
        compare = same if "event" in recorded else comparison_for(self._requests.popleft())
        compare(recorded, ours)
        self.compared += 1

    def finish(self) -> None:
        assert not self._arrived
        assert not [message for message in self._box.settle() if "event" in message]


@pytest.mark.parametrize("name", ["01-info-flat", "02-03-plug-unplug", "05-stop-cont"])
def test_a_recorded_conversation_goes_the_same_way(name: str) -> None:
    box = Box(negotiate=False)
    replay = Replay(box)
    opening, *conversation = entries(name)
    assert opening[0] == "meta"
    for direction, message in conversation:
        if "QMP" in message:
            assert json.loads(box.session.greeting())["QMP"].keys() == message["QMP"].keys()
        elif direction == "send":
            replay.send(message)
        elif direction == "recv":
            replay.receive(message)
    replay.finish()
    assert replay.compared > 20
    box.close()
