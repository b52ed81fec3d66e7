"""docs/not-modelled.md: what is missing is missing, and says so as the page shows."""

from __future__ import annotations

import pytest

from machine.acpi.madt import madt
from tests.docs.conversations import command_lines, hold_block, name_of, told
from tests.docs.pages import Block, blocks, codes, read, rows, section

PAGE = read("docs/not-modelled.md")
LINES = [line for block in blocks(PAGE, "console") for line in command_lines(block)]


@pytest.mark.parametrize(("argv", "printed"), LINES, ids=[" ".join(argv) for argv, _ in LINES])
def test_a_command_line_is_refused_in_the_words_that_are_shown(
    argv: list[str],
    printed: str,
) -> None:
    assert told(argv) == printed


@pytest.mark.parametrize("block", blocks(PAGE, "qmp"), ids=name_of)
def test_a_conversation_goes_as_it_is_shown(block: Block) -> None:
    hold_block(block)


def test_every_defect_of_the_reference_that_we_avoid_is_in_the_table() -> None:
    table = list(rows(section(PAGE, "Differences from the reference, on purpose")))
    assert all(len(row) == 3 for row in table)
    named = {code for row in table for code in codes(row[0])}
    assert {"gic-version=2", "node-id", "system_reset", "id", "vcpus-count"} <= named


def test_the_madt_is_as_surprising_as_the_page_says() -> None:
    flags = [
        int.from_bytes(table[at + 12 : at + 16], "little")
        for table in [madt(0, range(4), (), pmu_interrupt=23)]
        for at in range(44 + 24, len(table), 80)
    ]
    assert flags == [1, 8, 8, 8]
