"""docs/top.md: its letters, its arguments and its examples are those of the view."""

from __future__ import annotations

from daemon.top.model import LOOKS
from daemon.top.view import the_map
from tests.daemon.top.machines import machine
from tests.docs.pages import blocks, read, rows, section

PAGE = read("docs/top.md")


def test_the_table_of_letters_is_that_of_the_view() -> None:
    documented = [(row[0].strip("`"), row[1], row[2]) for row in rows(section(PAGE, "The map"))]
    assert documented == [(look.letter, state.value, look.meaning) for state, look in LOOKS.items()]


def test_4096_cpus_look_as_shown() -> None:
    (shown,) = blocks(section(PAGE, "The map"), "text")
    letters = "#o" + "#" * 39 + "." + "#" * 6 + "." * 4048
    drawn = the_map(machine(letters, socket=64, core=64).cpus, 120, 20)
    assert shown.text.splitlines() == [str(line) for line in drawn]
