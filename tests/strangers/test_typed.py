"""A client as Rust's qapi crate generates it, led through a random life of a machine.

Whatever comes is held against the schema, to the last member; and what the client believes of the
machine, from what it was told, has to be so.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from tests.strangers.monitor import monitored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tests.strangers.monitor import TypedMonitor

STEPS = 120


class Life:
    """What a client does, and what it believes."""

    def __init__(self, monitor: TypedMonitor, chance: random.Random) -> None:
        self._monitor = monitor
        self._chance = chance
        self._places = monitor.get("query-hotpluggable-cpus")
        self._boot = [place["qom-path"] for place in self._places if "qom-path" in place]
        self._free = [place for place in self._places if "qom-path" not in place]
        self._plugged: dict[str, Any] = {}
        self._leaving: dict[str, Any] = {}
        self._running = True
        self._count = 0
        self._steps: list[Callable[[], None]] = [
            *(self.plug, self.unplug, self.stop_or_continue, self.reset),
            *(self.read, self.read, self.look, self.be_wrong),
        ]

    def step(self) -> None:
        self._chance.choice(self._steps)()

    def plug(self) -> None:
        if not self._free:
            return
        place = self._free.pop(self._chance.randrange(len(self._free)))
        id_, self._count = f"cpu-{self._count}", self._count + 1
        self._monitor.get("device_add", driver=place["type"], id=id_, **place["props"])
        self._plugged[id_] = place

    def unplug(self) -> None:
        if not self._plugged:
            return
        id_ = self._chance.choice(sorted(self._plugged))
        self._monitor.get("device_del", id=id_)
        self._leaving[id_] = self._plugged.pop(id_)

    def stop_or_continue(self) -> None:
        self._monitor.get("stop" if self._running else "cont")
        self._running = not self._running
        status = self._monitor.get("query-status")
        assert status == {"running": self._running, "status": self._said()}
        self._monitor.wait_for("RESUME" if self._running else "STOP")

    def _said(self) -> str:
        return "running" if self._running else "paused"

    def reset(self) -> None:
        self._monitor.get("system_reset")
        self._monitor.wait_for("RESET", guest=False, reason="host-qmp-system-reset")

    def read(self) -> None:
        """All of some object."""
        paths = [*self._boot, *(f"/machine/peripheral/{id_}" for id_ in sorted(self._plugged))]
        path = self._chance.choice(paths)
        for entry in self._monitor.get("qom-list", path=path):
            if entry["name"] != "legacy-memory":
                self._monitor.get("qom-get", path=path, property=entry["name"])

    def look(self) -> None:
        command = self._chance.choice(
            [
                "query-acpi-ospm-status",
                "x-query-vcpus",
                "query-cpus-fast",
                "query-hotpluggable-cpus",
            ]
        )
        self._monitor.get(command)

    def be_wrong(self) -> None:
        boot = self._chance.choice(self._boot)
        assert self._monitor.refused("device_del", id=boot)[0] == "GenericError"
        assert self._monitor.refused("device_del", id="nobody")[0] == "DeviceNotFound"
        if self._plugged:
            id_, place = next(iter(self._plugged.items()))
            taken = self._monitor.refused("device_add", driver=place["type"], id=id_)
            assert taken == ("GenericError", f"Duplicate device ID '{id_}'")

    def end(self) -> None:
        """Let everything that was asked for happen; then belief and machine are the same."""
        if not self._running:
            self.stop_or_continue()
        self.reset()
        for id_ in self._leaving:
            self._monitor.wait_for("DEVICE_DELETED", device=id_)
        assert self._present(self._monitor.get("query-hotpluggable-cpus")) == {
            *self._boot,
            *(f"/machine/peripheral/{id_}" for id_ in self._plugged),
        }
        left = {event["event"] for event in self._monitor.events}
        assert left <= {"ACPI_DEVICE_OST", "DEVICE_DELETED"}

    def _present(self, places: Iterable[dict[str, Any]]) -> set[str]:
        return {place["qom-path"] for place in places if "qom-path" in place}


@pytest.mark.parametrize("seed", range(2))
def test_a_strict_client_understands_all_that_happens(tmp_path: Path, seed: int) -> None:
    with monitored(tmp_path, "-smp", "2,maxcpus=7") as (monitor, _prompt):
        life = Life(monitor, random.Random(seed))  # noqa: S311 - the same on every run
        for _ in range(STEPS):
            life.step()
        life.end()
