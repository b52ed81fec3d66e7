"""Reading Markdown: sections by heading, fenced blocks, tables. As much of it as our pages use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#+) (.*)$", re.MULTILINE)
_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Block:
    """A fenced block: its info string's first word, the rest of that, and what is in it."""

    kind: str
    info: str
    text: str


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text: str, kind: str | None = None) -> list[Block]:
    found = [Block(*_split(match[1]), match[2]) for match in _FENCE.finditer(text)]
    return [block for block in found if kind in {None, block.kind}]


def _split(info: str) -> tuple[str, str]:
    kind, _, rest = info.strip().partition(" ")
    return kind, rest


def prose(text: str) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", text)


def section(text: str, title: str) -> str:
    """What stands below a heading, up to the next one of its level or above; blocks included."""
    lines, level, inside, fenced = [], 0, False, False
    for line in text.splitlines():
        fenced ^= line.startswith("```")
        heading = None if fenced else _HEADING.match(line)
        if heading and inside and len(heading[1]) <= level:
            break
        if heading and not inside and heading[2] == title:
            inside, level = True, len(heading[1])
            continue
        if inside:
            lines.append(line)
    assert inside, f"no section {title!r}"
    return "\n".join(lines) + "\n"


def headings(text: str, level: int) -> list[str]:
    return [match[2] for match in _HEADING.finditer(prose(text)) if len(match[1]) == level]


def codes(text: str) -> list[str]:
    """What stands in backticks outside of blocks."""
    return _CODE.findall(prose(text))


def rows(text: str) -> Iterator[list[str]]:
    """The cells of all tables' rows, header and rule left out."""
    table: list[str] = []
    for line in [*prose(text).splitlines(), ""]:
        if line.startswith("|"):
            table.append(line)
            continue
        for row in table[2:]:
            yield [cell.strip() for cell in row.strip("|").split(" | ")]
        table = []
