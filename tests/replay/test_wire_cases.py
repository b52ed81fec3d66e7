"""QEMU's recorded conversations about the protocol itself, held with the whole daemon."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from daemon.commands import COMMANDS
from machine.config import MachineConfig
from tests.box import FLAT, Box
from tests.protocol.recorded import CASES, compare, expected, sent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OTHER_MACHINE: Mapping[str, str] = {
    "dispatch:64": "the recorded machine has no CPU 0",
    "dispatch:65": "the recorded machine has no CPU 0, ours no CPU 9: the same words",
}
"""Cases whose answer is about the recorded machine, which was `none`; those that agree included."""

DIFFERENT = frozenset({"dispatch:64"})
NOT_MODELLED = frozenset({"migrate-pause", "migrate-recover", "query-yank", "yank"})
"""Commands of the recordings; a step about one is compared as soon as there is such a command."""

_VERB = re.compile(r'"exec(?:ute|-oob)":"([a-z-]+)"')


@pytest.fixture
def box(request: pytest.FixtureRequest) -> Iterator[Box]:
    case = request.node.callspec.params["case"]
    config = MachineConfig(topology=FLAT, paused=True)
    made = Box(config, boot=False, negotiate=case["mode"] == "negotiated")
    yield made
    made.close()


def is_missing(step: dict[str, Any]) -> bool:
    """Whether a step of a recording is about a command that is not modelled."""
    verb = _VERB.search(step.get("send", ""))
    return verb is not None and verb[1] in NOT_MODELLED and verb[1] not in COMMANDS


def here(replies: list[Any]) -> list[Any]:
    """Replies about the recorded machine, as ones about ours."""
    text = json.dumps(replies)
    return list(json.loads(text.replace("none-machine", "virt-9.2-machine")))


@pytest.mark.parametrize(
    "case", [pytest.param(c, id=c["name"]) for c in CASES if c["name"] not in DIFFERENT]
)
def test_a_recorded_conversation_goes_the_same_way(box: Box, case: dict[str, Any]) -> None:
    for step in case["steps"]:
        lines = box.lines(sent(step))
        if is_missing(step) and "is unexpected" not in str(step["expect"]):
            (line,) = lines
            assert json.loads(line)["error"]["class"] == "CommandNotFound"
        else:
            compare(lines, here(expected(step)))


def test_the_cases_about_another_machine_are_recorded_ones() -> None:
    names = {case["name"] for case in CASES}
    assert names >= OTHER_MACHINE.keys() >= DIFFERENT
