"""A recorded conversation held again: same requests, same replies and events, in the same order."""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daemon.options.table import parse
from tests.box import Box
from tests.replay.comparison import (
    DIFFERENT,
    Difference,
    comparison_for,
    masked,
    same,
    told_besides,
)
from tests.replay.shell import Shell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from daemon.config import DaemonConfig

TRANSCRIPTS = Path(__file__).parent.parent / "data" / "transcripts"

OF_THE_MACHINE = frozenset({"-M", "-accel", "-cpu", "-smp", "-m", "-device"})
"""Options of the recordings that say what the machine is. The others say what runs on it, and where
its monitor and its serial line are."""
WHEN_IT_RUNS = frozenset({"-S", "--preconfig"})
"""Those without an argument that say when it comes to be."""

BY_THE_GUEST = {"guest-reset": "b", "guest-shutdown": "o"}
"""What the recorded guest's user did by `reboot` and `poweroff`: the reason, and a key of sysrq."""


def entries(name: str) -> Iterator[tuple[str, Any]]:
    """The steps of a recording: direction, and what was said."""
    for line in (TRANSCRIPTS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        yield entry["dir"], entry["obj"]


def machine(argv: Sequence[str]) -> DaemonConfig:
    """The machine of a recording, by the options that it was started with."""
    options = [
        word
        for option, argument in zip(argv, [*argv[1:], ""], strict=True)
        for word in (option, argument)
        if option in OF_THE_MACHINE
    ]
    return parse([*options, *WHEN_IT_RUNS.intersection(argv)])


def _requests(sent: Any) -> list[Any]:
    """The requests of one segment; those of several, or that are not JSON, have no content."""
    if isinstance(sent, dict):
        return [sent]
    count = sent.count('{"exec')
    try:
        return [json.loads(sent)] if count == 1 else [None] * count
    except ValueError:
        return [None]


class Replay:
    """Feeds what was sent and typed, and holds what comes back against what was received."""

    def __init__(self, name: str) -> None:
        (_, meta), *self._steps = entries(name)
        config = machine(meta["argv"])
        runs = not (config.machine.paused or config.preconfig)
        self.box = Box(config, boot=runs, negotiate=False)
        self._name = name
        self._shell = Shell(self.box)
        self._arrived: deque[Any] = deque()
        self._requests: deque[Any] = deque()
        self._difference: Difference | None = None
        self._instead: list[Any] = []
        self.compared = 0

    def leave_out_from(self, said: Any) -> None:
        """End before a request: where the recorded process has ended."""
        del self._steps[self._steps.index(("send", said)) :]

    def run(self) -> None:
        """Hold the conversation, to its end."""
        for direction, said in self._steps:
            if direction == "note":
                self._note(said)
            elif direction == "serial-send":
                self._shell.type(said)
                self._settle()
            elif direction == "send":
                self._send(said)
            elif "QMP" in said:
                greeting = json.loads(self.box.session.greeting())
                assert greeting["QMP"].keys() == said["QMP"].keys()
            else:
                self._receive(said)
        self._finish()

    def _note(self, note: str) -> None:
        """A difference begins or ends; the guest's masks may have been written down."""
        if self._difference is not None and self._difference.until in note:
            self._end_difference()
        if self._difference is None:
            self._difference = DIFFERENT.get((self._name, note))
            self._shell.look(note)

    def _end_difference(self) -> None:
        assert self._difference is not None
        self._settle()
        came = [masked(message) for message in self._instead]
        assert came == list(self._difference.instead), came
        self._difference = None
        self._instead.clear()

    def _send(self, sent: Any) -> None:
        if self._requests:
            self._leave_out()
        data = sent if isinstance(sent, str) else json.dumps(sent)
        answers = self.box.send(data.encode())
        if self._difference is None:
            self._requests.extend(_requests(sent))
            self._arrived.extend(answers)
        elif "query-" not in data:
            self._instead.extend(answers)
            self._settle()

    def _settle(self) -> None:
        """Let the machine come to rest; what it tells is to be compared."""
        told = self.box.settle()
        (self._arrived if self._difference is None else self._instead).extend(told)

    def _leave_out(self) -> None:
        """The recording has no reply to a request (it was too long): so nobody looks at ours."""
        self._requests.clear()
        self._arrived.clear()

    def _receive(self, recorded: Any) -> None:
        if self._difference is not None:
            return
        if "event" in recorded:
            self._receive_event(recorded)
            return
        if not self._requests:
            self._send({"execute": "query-commands"})  # whose request the recording left out
        request = self._requests.popleft()
        self._compare(recorded, comparison_for(request, recorded))

    def _receive_event(self, recorded: Any) -> None:
        key = BY_THE_GUEST.get(recorded.get("data", {}).get("reason"))
        if key is not None:
            self._shell.write("/proc/sysrq-trigger", key)
        self._compare(recorded, same)
        for besides in told_besides(recorded):
            self._compare(besides, same)

    def _compare(self, recorded: Any, compare: Any) -> None:
        if not self._arrived:
            self._settle()
        assert self._arrived, f"nothing came where the reference sent {recorded}"
        compare(recorded, self._arrived.popleft())
        self.compared += 1

    def _finish(self) -> None:
        if self._difference is not None:
            self._end_difference()
        assert not self._arrived
        assert not [message for message in self.box.settle() if "event" in message]
