"""docs/time.md: its conversations are held with a machine, its command lines are read."""

from __future__ import annotations

import re

import msgspec
import pytest

from daemon.options.table import parse
from daemon.recording.form import Entry, What, line_of
from daemon.recording.replayed import OF_THE_HOST
from daemon.timekeeping import NO_THREAD
from tests.docs.conversations import hold_block, name_of
from tests.docs.pages import Block, blocks, codes, read, rows, section

PAGE = read("docs/time.md")


@pytest.mark.parametrize("block", blocks(PAGE, "qmp"), ids=name_of)
def test_a_conversation_goes_as_it_is_shown(block: Block) -> None:
    hold_block(block)


def test_the_examples_are_command_lines_that_are_read() -> None:
    lines = [
        line
        for block in blocks(PAGE, "sh")
        for line in re.findall(r"armvirtd (-[^>\n]*)", block.text)
    ]
    assert lines
    for line in lines:
        parse(line.split())


def test_the_kinds_of_entries_are_listed() -> None:
    listed = {word for kinds, _ in rows(section(PAGE, "Recording")) for word in codes(kinds)}
    assert listed == {str(what) for what in What}


def test_the_commands_whose_replies_are_not_compared_are_named() -> None:
    assert set(codes(section(PAGE, "`armvirtd replay`"))) >= OF_THE_HOST


def test_entries_are_as_they_are_shown() -> None:
    (block,) = blocks(PAGE, "json")
    for line in block.text.splitlines(keepends=True):
        assert line_of(msgspec.json.decode(line, type=Entry)) == line.encode()


def test_the_thread_of_a_stepped_machine_is_named() -> None:
    assert f"`thread-id` is {NO_THREAD}," in PAGE
