"""A sequence diagram as SVG: lanes from left to right, time from top to bottom."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from daemon.sequence.steps import Lane

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from daemon.sequence.steps import Step

GAP, MARGIN, HEAD, ROW = 178, 150, 96, 31
"""Pixels: between lanes, left of the first one, above the first step, from step to step."""
NOTE_HEIGHT, NOTE_PADDING, CHARACTER = 20, 8, 6.3

COLOURS = {
    Lane.CLIENT: "#5f6368",
    Lane.VMM: "#b3541e",
    Lane.KVM: "#8a2be2",
    Lane.HARDWARE: "#3c4043",
    Lane.ACPI: "#0b7285",
    Lane.GUEST: "#2b7a0b",
}
_STYLE = """
text { font: 12px system-ui, "DejaVu Sans", sans-serif; fill: #202124; }
.head { font-weight: 600; fill: #fff; text-anchor: middle; }
.title { font-size: 17px; font-weight: 600; }
.time { font-size: 11px; fill: #80868b; text-anchor: end; }
.label { text-anchor: middle; paint-order: stroke; stroke: #fff; stroke-width: 4px; }
.life { stroke: #dadce0; stroke-width: 2; }
"""


def draw(title: str, steps: Sequence[Step]) -> str:
    """Draw steps in their order."""
    width = 2 * MARGIN + GAP * (len(Lane) - 1)
    height = HEAD + ROW * (len(steps) + 1)
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
                f'width="{width}" height="{height}" role="img" aria-label="{escape(title)}">'
            ),
            f"<style>{_STYLE}</style>",
            f'<rect width="{width}" height="{height}" fill="#fff"/>',
            f'<text class="title" x="20" y="30">{escape(title)}</text>',
            *_lanes(height),
            *_rows(steps),
            "</svg>\n",
        ]
    )


def _x(lane: Lane) -> int:
    return MARGIN + GAP * list(Lane).index(lane)


def _lanes(height: int) -> Iterator[str]:
    for lane in Lane:
        x = _x(lane)
        yield f'<line class="life" x1="{x}" y1="{HEAD - 20}" x2="{x}" y2="{height - 10}"/>'
        yield (
            f'<rect x="{x - 62}" y="{HEAD - 48}" width="124" height="28" rx="6" '
            f'fill="{COLOURS[lane]}"/>'
        )
        yield f'<text class="head" x="{x}" y="{HEAD - 29}">{lane.value}</text>'


def _rows(steps: Sequence[Step]) -> Iterator[str]:
    shown: int | None = None
    for n, step in enumerate(steps):
        y = HEAD + ROW * n + 16
        if step.time != shown:
            shown = step.time
            yield f'<text class="time" x="{MARGIN - 75}" y="{y + 4}">{_microseconds(step)}</text>'
        yield from _note(step, y) if step.source is step.target else _arrow(step, y)


def _microseconds(step: Step) -> str:
    return f"+{step.time / 1000:g} µs"


def _note(step: Step, y: int) -> Iterator[str]:
    """A box that stays inside of the picture, around its lane."""
    width = len(step.text) * CHARACTER + 2 * NOTE_PADDING
    most = 2 * MARGIN + GAP * (len(Lane) - 1) - width - 6
    x = min(_x(step.source) - width / 2, most)
    colour = COLOURS[step.source]
    yield (
        f'<rect x="{x:.1f}" y="{y - 13}" width="{width:.1f}" height="{NOTE_HEIGHT}" rx="4" '
        f'fill="#f8f9fa" stroke="{colour}"/>'
    )
    yield (
        f'<text x="{x + width / 2:.1f}" y="{y + 1.5}" text-anchor="middle">'
        f"{escape(step.text)}</text>"
    )


def _arrow(step: Step, y: int) -> Iterator[str]:
    start, end = _x(step.source), _x(step.target)
    colour, back = COLOURS[step.source], -7 if end > start else 7
    yield (
        f'<line x1="{start}" y1="{y + 5}" x2="{end}" y2="{y + 5}" '
        f'stroke="{colour}" stroke-width="1.6"/>'
    )
    yield f'<path d="M{end} {y + 5} l{back} -4 v8 z" fill="{colour}"/>'
    yield (f'<text class="label" x="{(start + end) / 2:g}" y="{y - 3}">{escape(step.text)}</text>')
