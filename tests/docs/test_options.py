"""docs/options.md: complete, and its examples are read without complaint."""

from __future__ import annotations

import re
import shlex

import pytest

from daemon.options.table import OPTIONS, Option, help_text, parse
from tests.docs.pages import blocks, headings, read, section

PAGE = read("docs/options.md")
HEADINGS = headings(PAGE, 3)


def spellings(heading: str) -> set[str]:
    return set(re.findall(r"`(-+[\w-]+)`", heading))


def spelled(option: Option) -> set[str]:
    return {f"{'--' if option.ours else '-'}{name}" for name in option.names}


def test_every_option_is_documented_and_no_other() -> None:
    documented = {spelling for heading in HEADINGS for spelling in spellings(heading)}
    assert documented == {spelling for option in OPTIONS for spelling in spelled(option)}


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.names[0])
def test_an_options_section_shows_its_argument(option: Option) -> None:
    (heading,) = (title for title in HEADINGS if spellings(title) == spelled(option))
    first = section(PAGE, heading).strip().splitlines()[0]
    assert first.startswith("`") == bool(option.argument)
    assert not option.argument or first == f"`{option.argument}`"


@pytest.mark.parametrize("block", blocks(PAGE, "sh"), ids=lambda block: block.text[:30])
def test_an_example_is_a_command_line_that_is_read(block: object) -> None:
    text = str(getattr(block, "text", "")).replace("\\\n", " ")
    program, *argv = shlex.split(text.partition(" 2>")[0])
    assert program == "armvirtd"
    parse(argv)


def test_the_default_is_as_the_page_says() -> None:
    config = parse([])
    assert (config.machine.topology.cpus, config.machine.topology.max_cpus) == (2, 8)
    assert config.machine.cpu_model == "cortex-a72"
    assert config.machine.ram_size == 1 << 30
    assert [str(device.address) for device in config.chardevs if device.backend == "socket"] == [
        "unix:./qmp.sock"
    ]


def test_the_help_shows_what_the_page_does() -> None:
    for option in OPTIONS:
        assert option.argument in help_text()
