"""What the model costs: a machine in this process, its clock stepped as fast as it goes."""

from __future__ import annotations

import gc
import time
from statistics import median

from machine.config import MachineConfig
from machine.events import AcpiDeviceOst, MachineEvent
from machine.topology import Topology
from machine.virt import VirtMachine
from tests.bench.table import COLUMNS, MOST, Row

MACHINES = 5
CYCLES = 21

Sample = tuple[float, float]


def config(size: int) -> MachineConfig:
    return MachineConfig(topology=Topology(2, 1, 1, size, 1), max_cpus=MOST)


def measure() -> list[Row]:
    births = {size: [birth(size) for _ in range(MACHINES)] for size in COLUMNS}
    lives = {size: cycles(size) for size in COLUMNS}
    return [
        Row("creation of a machine, in process", "ms", medians(births, 0)),
        Row("boot of its guest, in process", "ms", medians(births, 1)),
        Row("first plug to _OST: methods seen for the first time", "ms", first(lives)),
        Row("plug to _OST, in process", "ms", medians(lives, 0)),
        Row("plug and unplug to the last _OST, in process", "ms", medians(lives, 1)),
    ]


def medians(samples: dict[int, list[Sample]], which: int) -> dict[int, float]:
    return {size: median(sample[which] for sample in all_) for size, all_ in samples.items()}


def first(samples: dict[int, list[Sample]]) -> dict[int, float]:
    return {size: all_[0][0] for size, all_ in samples.items()}


def birth(size: int) -> Sample:
    """Milliseconds for creation and for boot."""
    gc.collect()
    began = time.perf_counter()
    machine = VirtMachine(config(size))
    created = time.perf_counter()
    machine.clock.run_until_idle()
    booted = time.perf_counter()
    machine.close()
    return (created - began) * 1e3, (booted - created) * 1e3


def cycles(size: int) -> list[Sample]:
    machine = VirtMachine(config(size))
    machine.clock.run_until_idle()
    samples = [cycle(machine, size // 2) for _ in range(CYCLES)]
    machine.close()
    return samples


def cycle(machine: VirtMachine, core: int) -> Sample:
    """Milliseconds from a plug to its _OST, and for the whole way there and back."""
    seen: list[tuple[int, float]] = []

    def listen(event: MachineEvent) -> None:
        if isinstance(event, AcpiDeviceOst):
            seen.append((event.source, time.perf_counter()))

    machine.events.listen(listen)
    began = time.perf_counter()
    machine.device_add({"driver": machine.cpu_typename, "id": "cpu", "core-id": core})
    machine.clock.run_until_idle()
    machine.device_del("cpu")
    machine.clock.run_until_idle()
    assert [source for source, _ in seen] == [1, 3, 3]
    return (seen[0][1] - began) * 1e3, (seen[2][1] - began) * 1e3
