"""Measure everything, and print one table."""

from __future__ import annotations

import os
import platform
import sys
import time
from typing import TYPE_CHECKING

from tests.bench import contest, memory, model, startup, wire
from tests.bench.table import Row, table

if TYPE_CHECKING:
    from collections.abc import Callable

PARTS: tuple[Callable[[], list[Row]], ...] = (
    startup.measure,
    model.measure,
    wire.measure,
    memory.measure,
)

BESIDE = f"""Beside QEMU, both with -S and all CPUs plugged, and beside a server on uvloop that says
the same bytes without a look. Medians of {contest.ROUNDS} interleaved rounds, with the spread of
their ratios; a ratio is armvirtd's to the other's."""


def machine_line() -> str:
    """On what this was measured."""
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} CPUs ({platform.machine()}), {platform.system()} {platform.release()}, "
        f"{platform.python_implementation()} {platform.python_version()}, load {load:.1f}"
    )


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    began = time.monotonic()
    say(machine_line())
    rows = []
    for part in PARTS:
        sys.stderr.write(f"  measuring: {part.__module__.rpartition('.')[2]} ...\n")
        rows += part()
    say(f"Columns 8 to 4096: possible CPUs, 2 of them plugged. Medians.\n\n{table(rows)}\n")
    say(f"{BESIDE}\n\n{contest.report()}\n")
    say(f"measured in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
