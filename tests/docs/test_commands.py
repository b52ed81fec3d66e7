"""docs/commands.md: complete, and true: its conversations are held with a machine."""

from __future__ import annotations

import json

import pytest

from daemon.commands import COMMANDS, EVENTS
from tests.docs.conversations import configured, hold_block, name_of
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


@pytest.mark.parametrize("block", blocks(PAGE, "qmp"), ids=name_of)
def test_a_conversation_goes_as_it_is_shown(block: Block) -> None:
    hold_block(block)


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
