"""From the start of a process to its first reply."""

from __future__ import annotations

import time
from statistics import median

from tests.bench.client import daemon
from tests.bench.table import SIZES, Row

RUNS = 5


def measure() -> list[Row]:
    return [
        Row("process start to the reply to query-status, with -S", "ms", starts("-S")),
        Row("  with a booted guest", "ms", starts()),
    ]


def starts(*more: str) -> dict[int, float]:
    return {size: median(start(size, *more) for _ in range(RUNS)) for size in SIZES}


def start(size: int, *more: str) -> float:
    began = time.perf_counter()
    with daemon(size, *more) as started:
        started.client.execute("query-status")
        return (time.perf_counter() - began) * 1e3
