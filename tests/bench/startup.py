"""From the start of a process to its first reply."""

from __future__ import annotations

import time
from statistics import median

from tests.bench.client import daemon
from tests.bench.table import SIZES, Row

RUNS = 5


def measure() -> list[Row]:
    values = {size: median(start(size) for _ in range(RUNS)) for size in SIZES}
    return [Row("process start to the reply to query-status", "ms", values)]


def start(size: int) -> float:
    began = time.perf_counter()
    with daemon(size) as started:
        started.client.execute("query-status")
        return (time.perf_counter() - began) * 1e3
