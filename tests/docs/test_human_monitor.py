"""docs/human-monitor.md: complete, and true: what it shows at the prompt is what is printed."""

from __future__ import annotations

import pytest

from daemon.hmp.info import __name__ as info_module
from daemon.hmp.monitor import HumanMonitor
from daemon.hmp.table import COMMANDS
from tests.box import Box
from tests.docs.pages import Block, blocks, codes, read, rows, section

PAGE = read("docs/human-monitor.md")
INFO = COMMANDS.find("info")


def documented(title: str) -> list[str]:
    cells = [row[0] for row in rows(section(PAGE, title))]
    return [code.replace("\\|", "|") for cell in cells for code in codes(cell)]


def test_every_command_is_documented_with_its_arguments_and_no_other() -> None:
    assert documented("Commands") == [
        f"{command.name} {command.params}".strip() for command in COMMANDS
    ]


def test_everything_that_info_shows_is_documented_and_nothing_else() -> None:
    assert INFO is not None
    assert INFO.subcommands is not None
    assert documented("What info shows") == [
        f"info {command.name} {command.params}".strip() for command in INFO.subcommands
    ]
    assert all(each.handler.__module__ == info_module for each in INFO.subcommands)


@pytest.mark.parametrize("block", blocks(PAGE, "hmp"), ids=lambda block: block.text[7:24].strip())
def test_what_is_shown_at_the_prompt_is_printed(block: Block) -> None:
    box = Box()
    monitor = HumanMonitor(box.context)
    for part in block.text.removeprefix("(qemu) ").split("\n(qemu) "):
        line, _, printed = part.rstrip("\n").partition("\n")
        assert monitor.execute(line) == "".join(f"{text}\r\n" for text in printed.splitlines())
        box.settle()
    box.close()
