"""docs/commands.md: complete, and true: its conversations are held with a machine."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

import pytest

from daemon.commands import COMMANDS, EVENTS
from daemon.options import parse
from tests.box import Box
from tests.docs.pages import Block, blocks, codes, headings, read, rows, section

PAGE = read("docs/commands.md")
REFUSED = list(rows(section(PAGE, "`device_add`")))


def documented(part: str) -> list[str]:
    return [heading.strip("`") for heading in headings(section(PAGE, part), 3)]


def test_every_command_is_documented_and_no_other() -> None:
    assert documented("Commands") == list(COMMANDS)


def test_every_event_is_documented_and_no_other() -> None:
    assert documented("Events") == list(EVENTS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_section_names_its_arguments_and_shows_it_at_work(name: str) -> None:
    arguments = COMMANDS[name].arguments
    text = section(PAGE, f"`{name}`")
    fields = arguments.model_fields if arguments else {}
    assert {field.alias or key for key, field in fields.items()} <= set(codes(text))
    assert f'"execute": "{name}"' in "".join(block.text for block in blocks(text, "qmp"))


@pytest.mark.parametrize("name", EVENTS)
def test_an_events_section_names_its_data(name: str) -> None:
    fields = EVENTS[name].model_fields
    text = section(PAGE, f"`{name}`")
    assert {field.alias or key for key, field in fields.items()} <= set(codes(text))
    assert fields or "No data." in text


def configured(info: str) -> Box:
    """The machine that a block's options ask for, booted; `fresh` is a client that is new."""
    fresh = info == "fresh"
    argv = [] if fresh else shlex.split(info)
    return Box(parse(argv).machine, negotiate=not fresh)


def agree(expected: str, actual: dict[str, Any]) -> None:
    """What is shown is there; `...` is whatever."""
    actual.pop("timestamp", None)
    if "..." not in expected:
        assert actual == json.loads(expected)
        return
    pattern = ".*".join(re.escape(piece.strip()) for piece in expected.split("..."))
    assert re.fullmatch(pattern, json.dumps(actual)), json.dumps(actual)


def hold(box: Box, conversation: str) -> None:
    """Say what is to be said, and see that nothing but what is shown comes back."""
    arrived: list[dict[str, Any]] = []
    for line in conversation.splitlines():
        arrow, _, text = line.partition(" ")
        if arrow == "->":
            assert not arrived, f"not shown: {arrived}"
            arrived = box.send(text.encode()) + box.settle()
        else:
            assert arrow == "<-"
            assert arrived, f"did not come: {text}"
            agree(text, arrived.pop(0))
    assert not arrived, f"not shown: {arrived}"


def first_command(block: Block) -> str:
    return f"{json.loads(block.text.splitlines()[0].removeprefix('->'))['execute']} {block.info}"


@pytest.mark.parametrize("block", blocks(PAGE, "qmp"), ids=first_command)
def test_a_conversation_goes_as_it_is_shown(block: Block) -> None:
    box = configured(block.info)
    hold(box, block.text)
    box.close()


def test_device_add_refuses_in_the_words_that_are_shown_and_changes_nothing() -> None:
    box = configured("")
    before = box.returned("x-query-vcpus")
    assert REFUSED
    for arguments, desc in REFUSED:
        request = {"execute": "device_add", "arguments": json.loads(arguments.strip("`"))}
        error = {"class": "GenericError", "desc": desc.strip("`")}
        assert box.send(json.dumps(request).encode()) == [{"error": error}], arguments
    assert box.returned("x-query-vcpus") == before
    box.close()
