"""Holding the conversations that a page shows with a machine, and giving it its command lines."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any

from daemon.options.table import Exit, UsageError, parse
from machine.errors import MachineError
from machine.virt import VirtMachine
from tests.box import Box

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.docs.pages import Block


def name_of(block: Block) -> str:
    """What a test about a `qmp` block is called: its first command, and the machine's options."""
    first = json.loads(block.text.splitlines()[0].removeprefix("->"))
    return f"{first['execute']} {block.info}".strip()


def configured(info: str) -> Box:
    """The machine that a block's options ask for, booted; `fresh` is a client that is new."""
    fresh = info == "fresh"
    argv = [] if fresh else shlex.split(info)
    config = parse(argv)
    return Box(config, boot=not config.preconfig, negotiate=not fresh)


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
            arrived = box.send(text.encode())
            if not box.context.clock.stepped:
                arrived += box.settle()
        else:
            assert arrow == "<-"
            assert arrived, f"did not come: {text}"
            agree(text, arrived.pop(0))
    assert not arrived, f"not shown: {arrived}"


def hold_block(block: Block) -> None:
    """Hold a `qmp` block's conversation with the machine that it asks for."""
    box = configured(block.info)
    try:
        hold(box, block.text)
    finally:
        box.close()


def command_lines(block: Block) -> Iterator[tuple[list[str], str]]:
    """The command lines of a `console` block, without the program's name, and what each prints."""
    for part in block.text.removeprefix("$ ").split("\n$ "):
        line, _, printed = part.partition("\n")
        program, *argv = shlex.split(line)
        assert program == "armvirtd"
        yield argv, printed.strip()


def told(argv: Sequence[str]) -> str:
    """What the program says to a command line that does not lead to a running machine."""
    try:
        VirtMachine(parse(argv).machine).close()
    except (UsageError, MachineError) as error:
        return f"armvirtd: {error}"
    except Exit as text:
        return str(text)
    return "runs"
