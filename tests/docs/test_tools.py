"""Every tool of `armvirtd WORD ...` has a section in some page, which shows its arguments."""

from __future__ import annotations

import pytest

from daemon.options.table import help_text
from daemon.tools import TOOLS
from tests.docs.pages import PAGES, headings, section


@pytest.mark.parametrize("word", TOOLS)
def test_a_tool_is_documented(word: str) -> None:
    heading = f"`armvirtd {word}`"
    pages = [page.read_text(encoding="utf-8") for page in PAGES]
    (page,) = (text for text in pages if heading in headings(text, 2))
    assert f"`armvirtd {word} {TOOLS[word].usage}`" in section(page, heading)


def test_the_help_shows_every_tool() -> None:
    assert all(f"armvirtd {word} {tool.usage}\n" in help_text() for word, tool in TOOLS.items())
