"""Every recorded refusal through the whole daemon: class and text, and the connection goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from machine.config import MachineConfig
from tests.box import FLAT, Box

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = Path(__file__).parents[1] / "data" / "wire" / "hotplug-errors.jsonl"
CASES: list[dict[str, Any]] = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]

OTHERWISE = {
    '{"execute": "device_add", "arguments": {"driver": "pc-dimm", "id": "e1"}}': (
        "GenericError",
        "'pc-dimm' is not a valid device model name",
    ),
}
"""What is not modelled, and is refused as such: memory hot-plug."""


@pytest.fixture(scope="module")
def running() -> Iterator[Box]:
    box = Box()
    yield box
    box.close()


@pytest.fixture(scope="module")
def prelaunch() -> Iterator[Box]:
    box = Box(MachineConfig(topology=FLAT, paused=True), boot=False)
    yield box
    box.close()


@pytest.fixture(params=["running", "prelaunch"])
def box(request: pytest.FixtureRequest) -> Box:
    chosen = request.getfixturevalue(request.param)
    assert isinstance(chosen, Box)
    return chosen


@pytest.mark.parametrize("case", CASES, ids=lambda case: json.dumps(case["send"])[:90])
def test_a_recorded_refusal_has_the_same_class_and_words(box: Box, case: dict[str, Any]) -> None:
    before = box.returned("x-query-vcpus")
    (answer,) = box.send(json.dumps(case["send"]).encode())
    error = case["expect"]["error"]
    expected = OTHERWISE.get(json.dumps(case["send"]), (error["class"], error["desc"]))
    assert (answer["error"]["class"], answer["error"]["desc"]) == expected
    assert box.returned("x-query-vcpus") == before
    assert box.settle() == []
