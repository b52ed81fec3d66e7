"""Lines of coloured text as SVG, in letters of one width."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.segment import Segment
    from rich.style import Style
    from rich.text import Text

LETTER, ROW, MARGIN, BASELINE = 9, 19, 16, 14
"""Pixels: width of a letter, from line to line, around all, and where letters stand in a line."""
BACKGROUND, FOREGROUND = "#1f2328", "#d0d7de"
_STYLE = 'text { font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: 15px }'


def draw(lines: Sequence[Text], columns: int) -> str:
    """A terminal with these lines."""
    width = 2 * MARGIN + LETTER * columns
    height = 2 * MARGIN + ROW * len(lines)
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
            f"<style>{_STYLE}</style>",
            f'<rect x="0" y="0" width="{width}" height="{height}" rx="8" fill="{BACKGROUND}"/>',
            *(element for n, line in enumerate(lines) for element in _line(n, line)),
            "</svg>\n",
        ]
    )


def _line(number: int, line: Text) -> Iterator[str]:
    """A piece for each colour; where each letter stands does not depend on the font."""
    console = Console(width=len(line) + 1, force_terminal=True, color_system="truecolor")
    column, top = 0, MARGIN + ROW * number
    for segment in line.render(console):
        yield from _piece(segment, MARGIN + LETTER * column, top)
        column += len(segment.text)


def _piece(segment: Segment, x: int, top: int) -> Iterator[str]:
    text, style = segment.text, segment.style
    width = LETTER * len(text)
    if style is not None and style.bgcolor is not None:
        yield f'<rect x="{x}" y="{top}" width="{width}" height="{ROW}" fill="{_paper(style)}"/>'
    if text.strip():
        at = f'x="{x}" y="{top + BASELINE}" textLength="{width}"'
        yield f'<text {at} xml:space="preserve"{_look(style)}>{escape(text)}</text>'


def _paper(style: Style) -> str:
    assert style.bgcolor is not None  # noqa: S101 - asked before
    return style.bgcolor.get_truecolor(SVG_EXPORT_THEME, foreground=False).hex


def _look(style: Style | None) -> str:
    colour = FOREGROUND
    if style is not None and style.color is not None:
        colour = style.color.get_truecolor(SVG_EXPORT_THEME).hex
    weight = ' font-weight="bold"' if style is not None and style.bold else ""
    return f' fill="{colour}"{weight}'
