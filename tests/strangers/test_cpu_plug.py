"""What QEMU's suite for CPU hot-plug does: every free place of a topology is filled."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from tests.strangers.monitor import monitored

if TYPE_CHECKING:
    from pathlib import Path

TOPOLOGIES = (
    "1,maxcpus=4,sockets=1,clusters=1,cores=4,threads=1",
    "2,maxcpus=8,sockets=1,clusters=4,cores=2,threads=1",
    "3,maxcpus=24,sockets=3,clusters=2,cores=2,threads=2",
)


@pytest.mark.parametrize(
    ("model", "smp"), [*product(["cortex-a72"], TOPOLOGIES), ("max", TOPOLOGIES[-1])]
)
def test_every_free_place_takes_a_cpu_and_gives_it_back(
    tmp_path: Path, model: str, smp: str
) -> None:
    with monitored(tmp_path, "-cpu", model, "-smp", smp) as (monitor, _prompt):
        before = monitor.get("query-hotpluggable-cpus")
        free = [place for place in before if "qom-path" not in place]
        assert len(free) == len(before) - int(smp.partition(",")[0])
        for number, place in enumerate(free):
            monitor.get("device_add", driver=place["type"], id=f"c{number}", **place["props"])
        assert all("qom-path" in place for place in monitor.get("query-hotpluggable-cpus"))
        assert len(monitor.get("query-cpus-fast")) == len(before)
        for number in range(len(free)):
            monitor.get("device_del", id=f"c{number}")
        for number in range(len(free)):
            monitor.wait_for("DEVICE_DELETED", device=f"c{number}")
        assert monitor.get("query-hotpluggable-cpus") == before


def test_every_free_place_takes_a_cpu_before_the_machine_runs(tmp_path: Path) -> None:
    with monitored(tmp_path, "-S", "-smp", TOPOLOGIES[-1]) as (monitor, _prompt):
        for place in monitor.get("query-hotpluggable-cpus"):
            if "qom-path" not in place:
                monitor.get("device_add", driver=place["type"], **place["props"])
        monitor.get("cont")
        places = monitor.get("query-hotpluggable-cpus")
        assert len(monitor.get("query-cpus-fast")) == len(places)
