"""What a client waits for: a daemon in its own process, a unix socket, the daemon's wall clock."""

from __future__ import annotations

import json
import time
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from tests.bench.client import Client, daemon, echo_server
from tests.bench.table import SIZES, Row

if TYPE_CHECKING:
    from collections.abc import Mapping

QUERY = b'{"execute": "query-status"}\n'
LISTING = b'{"execute": "query-hotpluggable-cpus"}\n'
WARM_UP, ROUNDS, RUNS = 500, 3000, 3
LISTINGS = 200
DEPTH, BATCHES = 64, 200
CYCLES = 15


def measure() -> list[Row]:
    lives = {size: cycles(size) for size in SIZES}
    return [
        Row("plug to ACPI_DEVICE_OST, over a socket", "ms", middle(lives, 0)),
        Row("plug and unplug to the last event, over a socket", "ms", middle(lives, 1)),
        *queries(),
    ]


def middle(samples: Mapping[int, list[tuple[float, float]]], which: int) -> dict[int, float]:
    return {size: median(sample[which] for sample in all_) for size, all_ in samples.items()}


def queries() -> list[Row]:
    with echo_server() as echo:
        bare = ping_pong(echo.client, ROUNDS, QUERY)
        bare_pipelined = pipelined(echo.client)
    with daemon(8) as small:
        trips = ping_pong(small.client, ROUNDS, QUERY)
        rate = pipelined(small.client)
    with daemon(64) as large:
        listing = ping_pong(large.client, LISTINGS, LISTING)
    p50, p99, bare_p50 = percentile(trips, 50), percentile(trips, 99), percentile(bare, 50)
    return [
        Row("query-status, one after the other", "1/s", {8: 1e6 / median(trips)}),
        Row("  p50", "us", {8: p50}),
        Row("  p99", "us", {8: p99}),
        Row("  bare asyncio + json echo server, p50", "us", {8: bare_p50}),
        Row("  ratio to it, below 1 is faster", "p50/p50", {8: p50 / bare_p50}),
        Row(f"query-status, {DEPTH} at a time", "1/s", {8: rate}),
        Row("  bare asyncio + json echo server", "1/s", {8: bare_pipelined}),
        Row("query-hotpluggable-cpus, p50", "us", {64: percentile(listing, 50)}),
    ]


def percentile(samples: list[float], percent: int) -> float:
    return quantiles(samples, n=100)[percent - 1]


def ping_pong(client: Client, rounds: int, request: bytes) -> list[float]:
    """Microseconds of each round trip."""
    trips = [_trip(client, request) for _ in range(WARM_UP + RUNS * rounds)]
    return trips[WARM_UP:]


def _trip(client: Client, request: bytes) -> float:
    began = time.perf_counter_ns()
    client.send(request)
    client.line()
    return (time.perf_counter_ns() - began) / 1e3


def pipelined(client: Client) -> float:
    """Replies per second with so many requests in flight."""
    return median(_batches(client) for _ in range(RUNS))


def _batches(client: Client) -> float:
    requests = QUERY * DEPTH
    began = time.perf_counter()
    for _ in range(BATCHES):
        client.send(requests)
        client.skip(DEPTH)
    return BATCHES * DEPTH / (time.perf_counter() - began)


def cycles(size: int) -> list[tuple[float, float]]:
    """Milliseconds from a plug to its event, and there and back, for some cycles."""
    with daemon(size) as served:
        slots = served.client.execute("query-hotpluggable-cpus")
        slot = slots[len(slots) // 2]
        cycle(served.client, slot)
        return [cycle(served.client, slot) for _ in range(CYCLES)]


def cycle(client: Client, slot: dict[str, Any]) -> tuple[float, float]:
    began = time.perf_counter()
    plug = {"driver": slot["type"], "id": "cpu", **slot["props"]}
    client.send(json.dumps({"execute": "device_add", "arguments": plug}).encode())
    wait_for_ost(client, 1, 0)
    plugged = time.perf_counter()
    client.send(b'{"execute": "device_del", "arguments": {"id": "cpu"}}')
    wait_for_ost(client, 3, 0)
    return (plugged - began) * 1e3, (time.perf_counter() - began) * 1e3


def wait_for_ost(client: Client, source: int, status: int) -> None:
    while True:
        message = json.loads(client.line())
        assert "error" not in message, message
        info = message.get("data", {}).get("info", {})
        if (info.get("source"), info.get("status")) == (source, status):
            return
