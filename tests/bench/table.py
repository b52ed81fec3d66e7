"""Rows of numbers with units, aligned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SIZES = (8, 64, 512)
"""The numbers of possible CPUs that everything is measured for."""
MOST = 4096
"""And what the model is measured for besides: -M virt,x-max-cpus=4096."""
COLUMNS = (*SIZES, MOST)


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
    if value < 0.1:
        return f"{value:.3f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(rows: Sequence[Row]) -> str:
    cells = [("", "unit", *map(str, COLUMNS))]
    for row in rows:
        values = (number(row.values[size]) if size in row.values else "" for size in COLUMNS)
        cells.append((row.what, row.unit, *values))
    return aligned(cells, left=2)


def aligned(lines: Sequence[Sequence[str]], *, left: int) -> str:
    """Columns as wide as they must be, the first ones to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(_line(line, widths, left) for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int], left: int) -> str:
    texts = [
        cell.ljust(width) if at < left else cell.rjust(width)
        for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(texts).rstrip()
