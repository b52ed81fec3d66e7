"""docs/time.md: its conversations are held with a machine, its command lines are read."""

from __future__ import annotations

import re

import pytest

from daemon.options.table import parse
from daemon.timekeeping import NO_THREAD
from tests.docs.conversations import hold_block, name_of
from tests.docs.pages import Block, blocks, read

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


def test_the_thread_of_a_stepped_machine_is_named() -> None:
    assert f"`thread-id` is {NO_THREAD}," in PAGE
