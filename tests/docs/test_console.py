"""docs/console.md: what is typed there is answered so."""

from __future__ import annotations

import json
import re

import pytest

from daemon.options.table import parse
from machine.guest.printk import LOG_LINES
from machine.guest.shell import PROMPT
from machine.guest.sysfs import FILES, MASKS
from tests.docs.pages import blocks, codes, read, rows, section
from tests.machine.guest.serial import SerialBoard

PAGE = read("docs/console.md")
TIME = re.compile(r"\[ *\d+\.\d{6}\]")
PROGRAMS = {"cat", "dmesg", "echo", "nproc", "poweroff", "reboot"}


def typed(line: str) -> str | None:
    """What a user types, if the line shows that."""
    if line.startswith(f"{PROMPT}["):
        return None
    if line.startswith(PROMPT):
        return line.removeprefix(PROMPT)
    return line if line.partition(" ")[0] in PROGRAMS else None


def test_the_conversation_goes_as_it_is_shown() -> None:
    (shown,) = blocks(PAGE, "serial")
    (example,) = blocks(PAGE, "sh")
    board = SerialBoard(parse(example.text.split()[1:]).machine)
    board.settle()
    board.type("\r")
    printed = PROMPT
    for line in shown.text.splitlines():
        if line.startswith("+ "):
            board.machine.device_add(json.loads(line.removeprefix("+ ")))
            board.settle()
        elif (command := typed(line)) is not None:
            board.send(f"{command}\r".encode())
        printed += board.printed.decode()
        board.printed.clear()
    board.machine.close()
    expected = [line for line in shown.text.splitlines() if not line.startswith("+ ")]
    lines = printed.split("\r\n")[:-1]
    assert [TIME.sub("[]", line) for line in lines] == [TIME.sub("[]", line) for line in expected]


@pytest.mark.parametrize("program", sorted(PROGRAMS))
def test_every_program_is_in_the_table(program: str) -> None:
    assert program in {row[0].strip("`").split()[0] for row in rows(PAGE)}
    board = SerialBoard(parse([]).machine)
    board.settle()
    board.type("\r")
    assert not any("not found" in line for line in board.type(f"{program}\r"))
    board.machine.close()


def test_every_file_is_in_the_table() -> None:
    shown = {code for row in rows(section(PAGE, "The guest's console")) for code in codes(row[0])}
    folder = "/sys/devices/system/cpu"
    paths = {code if code.startswith("/") else f"{folder}/{code}" for code in shown}
    assert set(MASKS) <= paths
    for pattern, _store in FILES:
        examples = {path.replace("cpuN", "cpu1").replace(":NN", ":01") for path in paths}
        assert any(pattern.fullmatch(path) for path in examples), pattern.pattern


def test_the_size_of_the_log_is_as_shown() -> None:
    assert f"last {LOG_LINES} lines" in PAGE
