"""A sequence diagram as SVG: lanes from left to right, time from top to bottom."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple

from daemon.sequence.steps import Lane
from daemon.sequence.story import WAIT, spell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from daemon.sequence.steps import Step
    from daemon.sequence.story import Story

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
.gap { fill: #f1f3f4; stroke: #dadce0; stroke-dasharray: 2 3; }
.wait { font-size: 11px; fill: #5f6368; text-anchor: middle; font-style: italic; }
.life { stroke: #dadce0; stroke-width: 2; }
"""


class Gap(NamedTuple):
    """A wait, in ns, that is longer than what a reader would take for none."""

    duration: int


def draw(story: Story) -> str:
    """Draw the steps of an operation in their order; waits are marked, not drawn to scale."""
    rows = list(_rows(story.steps))
    title = escape(f"{story.title} ({story.took})" if story.took else story.title)
    width = 2 * MARGIN + GAP * (len(Lane) - 1)
    height = HEAD + ROW * (len(rows) + 1)
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
                f'width="{width}" height="{height}" role="img" aria-label="{title}">'
            ),
            f"<style>{_STYLE}</style>",
            f'<rect width="{width}" height="{height}" fill="#fff"/>',
            f'<text class="title" x="20" y="30">{title}</text>',
            *_lanes(height),
            *_drawn(rows),
            "</svg>\n",
        ]
    )


def _rows(steps: Sequence[Step]) -> Iterator[Step | Gap]:
    time = 0
    for step in steps:
        if step.time - time >= WAIT:
            yield Gap(step.time - time)
        time = step.time
        yield step


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


def _drawn(rows: Sequence[Step | Gap]) -> Iterator[str]:
    shown: int | None = None
    for n, row in enumerate(rows):
        y = HEAD + ROW * n + 16
        if isinstance(row, Gap):
            yield from _gap(row, y)
            continue
        if row.time != shown:
            shown = row.time
            yield f'<text class="time" x="{MARGIN - 75}" y="{y + 4}">+{spell(row.time)}</text>'
        yield from _note(row, y) if row.source is row.target else _arrow(row, y)


def _gap(gap: Gap, y: int) -> Iterator[str]:
    """A band across all lanes, in which time passes."""
    width = GAP * (len(Lane) - 1) + 124
    x = MARGIN - 62
    yield f'<rect class="gap" x="{x}" y="{y - 10}" width="{width}" height="18" rx="9"/>'
    yield (
        f'<text class="wait" x="{x + width / 2:g}" y="{y + 3}">{spell(gap.duration)} pass</text>'
    )


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
