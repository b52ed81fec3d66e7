"""Rows of numbers with units, aligned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SIZES = (8, 64, 512)
"""The numbers of possible CPUs that everything is measured for."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement, for each size that it was made for."""

    what: str
    unit: str
    values: Mapping[int, float]


def number(value: float) -> str:
    """Three significant digits, no exponent."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(rows: Sequence[Row]) -> str:
    cells = [("", "unit", *map(str, SIZES))]
    for row in rows:
        values = (number(row.values[size]) if size in row.values else "" for size in SIZES)
        cells.append((row.what, row.unit, *values))
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    return "\n".join(_line(line, widths) for line in cells)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    texts = [cell.ljust(width) for cell, width in zip(cells[:2], widths[:2], strict=True)]
    numbers = [cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True)]
    return "  ".join(texts + numbers).rstrip()
