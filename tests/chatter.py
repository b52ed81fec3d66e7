"""Long random conversations: the same for the same seed, with all that clients say and do wrong."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

from machine.faults.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

CORES = 6
CPU = "/sys/devices/system/cpu"
OPTIONS = ("--clock", "stepped", "-smp", f"2,maxcpus={CORES}", "-m", "64M",
           "-M", "virt,x-system-suspend=on")  # fmt: skip

STAGES = (
    Stage("eject-request", "busy", name="busy", probability=0.3, jitter=3_000_000),
    Stage("device-check", "accept", name="late", probability=0.5, delay=10_000, jitter=90_000_000),
    Stage("cpu-on", "denied", name="denied", probability=0.1),
    Stage("unpark", "enomem", name="poor", probability=0.1),
)
"""Chance on several layers."""

QUERIES = (
    "query-status", "query-cpus-fast", "query-hotpluggable-cpus", "x-query-vcpus",
    "query-acpi-ospm-status", "x-query-clock", "query-commands", "query-memory-size-summary",
    "query-command-line-options", "query-machines", "query-memdev", "query-qmp-schema",
)  # fmt: skip
LINES = ("info cpus", "info status", "info qtree", "info qom-tree", "info hotpluggable-cpus",
         "info registers", "help", "nonsense", "x /4x 0x40000000")  # fmt: skip
VERBS = ("stop", "cont", "cont", "cont", "system_reset", "system_wakeup", "system_wakeup",
         "x-guest-suspend")  # fmt: skip
BAD = (
    b"nonsense\n", b"[]\n", b'{"execute": 5}\n', b'{"execute": "nope", "id": {"b": 1, "a": 2}}\n',
    b'{"execute": "device_add", "arguments": {"driver": "x", "z": 1, "a": 2}}\n',
    b'{"execute": "x-clock-step", "arguments": {"time-ns": -1}}\n',
    b'{"execute": "query-status", "arguments": {"b": 1, "a": 2}}\n', b'{"execute"\n}\n',
)  # fmt: skip


def request(name: str, arguments: dict[str, Any]) -> bytes:
    return json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n"


class Chatter:
    """One conversation's author."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be guessed

    def pieces(self, count: int) -> Iterator[bytes]:
        """What is said, one after the other."""
        kinds: Sequence[tuple[Callable[[], bytes], int]] = (
            (self._step, 8), (self._plug, 5), (self._unplug, 4), (self._verb, 2),
            (self._query, 3), (self._line, 1), (self._write, 2), (self._bad, 2),
        )  # fmt: skip
        makers = [maker for maker, _ in kinds]
        weights = [weight for _, weight in kinds]
        for maker in self._chance.choices(makers, weights, k=count):
            yield maker()

    def monitor(self, count: int) -> int:
        """Who says it."""
        return self._chance.randrange(count)

    def _core(self) -> int:
        return self._chance.randrange(CORES)

    def _step(self) -> bytes:
        if self._chance.random() < 0.3:
            event = self._chance.choice(["ACPI_DEVICE_OST", "DEVICE_DELETED", "STOP"])
            limit = self._chance.randrange(10**9)
            return request("x-clock-run-until", {"event": event, "idle": True, "timeout-ns": limit})
        return request("x-clock-step", {"time-ns": 10 ** self._chance.randrange(10)})

    def _plug(self) -> bytes:
        core = self._core()
        at = {"driver": "cortex-a72-arm-cpu", "core-id": core}
        return request("device_add", at | ({"id": f"c{core}"} if core % 3 else {}))

    def _unplug(self) -> bytes:
        return request("device_del", {"id": f"c{self._core()}"})

    def _verb(self) -> bytes:
        return request(self._chance.choice(VERBS), {})

    def _query(self) -> bytes:
        return request(self._chance.choice(QUERIES), {})

    def _line(self) -> bytes:
        return request("human-monitor-command", {"command-line": self._chance.choice(LINES)})

    def _write(self) -> bytes:
        core = self._core()
        path, data = self._chance.choice(
            [
                (f"{CPU}/cpu{core}/online", "0"),
                (f"{CPU}/cpu{core}/online", "1"),
                (f"/sys/bus/acpi/devices/ACPI0007:{core:02x}/eject", "1"),
                ("/proc/sysrq-trigger", "b"),
            ]
        )
        return request("x-guest-write", {"path": path, "data": data})

    def _bad(self) -> bytes:
        return self._chance.choice(BAD)
