"""docs/scenarios.md: its tables are those of the code, and its examples work."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest

from daemon.options.table import parse
from daemon.scenario import read_scenario, ready_made
from machine.faults.table import ACTIONS, EVENTS
from protocol.model import wire_name
from protocol.qapi.faults import FaultStage, GuestBehaviour
from tests.docs.conversations import hold_block, name_of
from tests.docs.pages import Block, blocks, codes, read, rows, section

if TYPE_CHECKING:
    from pathlib import Path

PAGE = read("docs/scenarios.md")
YES = {True: "yes", False: "no"}


def table(title: str) -> list[list[str]]:
    return [[cell.strip("`") for cell in row] for row in rows(section(PAGE, title))]


def test_every_event_is_told() -> None:
    assert table("Events") == [[name, event.layer, event.help] for name, event in EVENTS.items()]


def test_every_outcome_is_told() -> None:
    assert table("Outcomes") == [
        [name, outcome, meaning]
        for name, event in EVENTS.items()
        for outcome, meaning in event.outcomes.items()
    ]


def test_every_action_is_told() -> None:
    assert table("Actions") == [
        [name, action.help, YES[action.cpu], YES[action.lasts]] for name, action in ACTIONS.items()
    ]


def test_every_ready_made_scenario_is_told() -> None:
    told = [[name, read_scenario(name).description] for name in ready_made()]
    assert table("The ready-made ones") == told


@pytest.mark.parametrize(
    ("title", "model"), [("The guest", GuestBehaviour), ("A stage", FaultStage)]
)
def test_every_key_is_told(title: str, model: type[FaultStage | GuestBehaviour]) -> None:
    assert {row[0] for row in table(title)} == set(map(wire_name, model.model_fields))


@pytest.mark.parametrize("block", blocks(PAGE, "qmp"), ids=name_of)
def test_a_conversation_goes_as_it_is_shown(block: Block) -> None:
    hold_block(block)


def test_the_example_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = blocks(PAGE, "toml")
    (tmp_path / "late.toml").write_text(example.text, encoding="utf-8")
    for block in blocks(PAGE, "sh"):
        program, *argv = shlex.split(block.text)
        assert program == "armvirtd"
        parse(argv)


def test_what_the_recipes_start_is_there() -> None:
    recipes = " ".join(codes(section(PAGE, "How do I test ...")))
    assert {*re.findall(r"--scenario (\S+)", recipes)} <= {*ready_made()}
