"""What a possible CPU costs: memory for itself, and nothing to the others."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest

from machine.gicv3.gic import GicV3
from machine.topology import MAX_CPUS, mpidr_affinity
from tests.machine.cost import calls_made
from tests.machine.gicv3 import bench as b
from tests.machine.gicv3.bench import Bench

if TYPE_CHECKING:
    from collections.abc import Callable

ANY = 1 << 31


def test_a_possible_cpu_costs_about_half_a_kilobyte() -> None:
    affinities = [mpidr_affinity(n) for n in range(MAX_CPUS)]
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        gic = GicV3(affinities)
        used = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert used / len(gic.cpus) < 768


def one_spi(up: Bench) -> None:
    up.gic.set_spi(41, True)
    up.ack()
    up.gic.set_spi(41, False)
    up.end(41)


def any_spi(up: Bench) -> None:
    up.route(40, ANY)
    up.gic.set_spi(40, True)
    up.gic.set_spi(40, False)


def one_sgi(up: Bench) -> None:
    up.send(1 << 24 | 0b10)
    up.end(up.ack(1), 1)


def come_and_go(up: Bench) -> None:
    up.cpu(1).accessible = False
    up.cpu(1).accessible = True
    up.cpu(1).reset_interface()


def broadcast(up: Bench) -> None:
    up.send(1 << 40 | 1 << 24)
    up.end(up.ack(1), 1)


def switch_off_and_on(up: Bench) -> None:
    up.gicd.write(b.CTLR, 4, 0)
    up.gicd.write(b.CTLR, 4, 0b11)


def reset(up: Bench) -> None:
    up.gic.reset()


def two_of(count: int) -> Bench:
    """A GIC with many possible CPUs, of which two are there, and have been from the start."""
    up = Bench(count)
    for n in range(2, count):
        up.cpu(n).accessible = False
    up.gic.reset()
    up.gicd.write(b.CTLR, 4, 0b11)
    for n in (0, 1):
        up.start(n)
    return up


@pytest.mark.parametrize(
    "action",
    [one_spi, any_spi, one_sgi, come_and_go, broadcast, switch_off_and_on, reset],
)
def test_an_operation_costs_the_same_among_2_and_among_512_cpus(
    action: Callable[[Bench], None],
) -> None:
    costs = []
    for count in (2, MAX_CPUS):
        up = two_of(count)
        for intid in (40, 41):
            up.bit(b.ISENABLER, intid)
        action(up)  # registers are looked up once, and then known
        costs.append(calls_made(lambda up=up: action(up)))  # type: ignore[misc]
    assert costs[0] == costs[1] > 0
