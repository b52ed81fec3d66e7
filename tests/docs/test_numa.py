"""docs/numa.md: its command lines are read, or refused as shown, and its conversations are held."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from daemon.options.table import parse
from tests.docs.conversations import command_lines, hold_block, name_of, told
from tests.docs.pages import Block, blocks, read

PAGE = read("docs/numa.md")
EXAMPLES = blocks(PAGE, "sh")
LINES = [line for block in blocks(PAGE, "console") for line in command_lines(block)]


def options(example: Block) -> list[str]:
    program, *argv = shlex.split(example.text.replace("\\\n", " "))
    assert program == "armvirtd"
    return argv


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda block: block.text[:30])
def test_an_example_is_a_command_line_that_is_read(example: Block) -> None:
    assert parse(options(example)).objects


@pytest.mark.parametrize(("argv", "printed"), LINES, ids=[" ".join(argv) for argv, _ in LINES])
def test_a_command_line_is_refused_in_the_words_that_are_shown(
    argv: list[str], printed: str
) -> None:
    assert told(argv) == printed


@pytest.mark.parametrize("block", blocks(PAGE, "qmp"), ids=name_of)
def test_a_conversation_goes_as_it_is_shown(block: Block) -> None:
    """`numa` is the machine of the first example."""
    first = shlex.join(options(EXAMPLES[0]))
    hold_block(replace(block, info=first) if block.info == "numa" else block)
