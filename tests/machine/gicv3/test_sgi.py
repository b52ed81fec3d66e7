"""Who receives what a CPU writes to ICC_SGI1R_EL1 and its sisters."""

from __future__ import annotations

import pytest

from machine.gicv3.gic import GicV3
from tests.machine.gicv3 import bench as b
from tests.machine.gicv3.bench import Bench, running

IRM = 1 << 40


def test_the_target_list_names_cpus_of_one_level_1_group() -> None:
    up = running(40)
    up.send(5 << 24 | 1 << 16 | 0b1001)
    assert up.raised() == [16, 19]
    up.send(5 << 24 | 2 << 16 | 0xFFFF)
    assert up.raised() == [16, 19, *range(32, 40)]


def test_a_sender_may_be_among_its_targets(up: Bench) -> None:
    up.send(0b11)
    assert up.raised() == [0, 1]


def test_a_broadcast_goes_to_all_but_the_sender() -> None:
    up = running(20)
    up.send(IRM | 3 << 24, n=17)
    assert up.raised() == [n for n in range(20) if n != 17]


@pytest.mark.parametrize("nobody", [1 << 48 | 1, 1 << 32 | 1, 9 << 16 | 1, 0b100])
def test_an_sgi_to_nobody_is_nothing(up: Bench, nobody: int) -> None:
    up.send(nobody)
    assert up.raised() == []


def test_the_range_selector_reaches_aff0_above_15_and_is_advertised_only_there() -> None:
    gic = GicV3([0, 15, 16, 35])
    sender = gic.cpus[0]
    assert gic.distributor.read(b.TYPER, 4) >> 26 & 1
    assert sender.mrs("ICC_CTLR_EL1") >> 18 & 1
    sender.msr("ICC_SGI1R_EL1", 2 << 44 | 1 << 24 | 0b1000)
    assert [cpu.redistributor.private.latch for cpu in gic.cpus] == [0, 0, 0, 0b10]
    sender.msr("ICC_SGI1R_EL1", 1 << 44 | 1 << 24 | 0b1)
    assert [cpu.redistributor.private.latch for cpu in gic.cpus] == [0, 0, 0b10, 0b10]
    assert not Bench(20).gicd.read(b.TYPER, 4) >> 26 & 1


def test_aff2_is_part_of_the_address() -> None:
    gic = GicV3([0, 0x020300])
    gic.cpus[0].msr("ICC_SGI1R_EL1", 2 << 32 | 3 << 16 | 4 << 24 | 1)
    assert [cpu.redistributor.private.latch for cpu in gic.cpus] == [0, 1 << 4]


@pytest.mark.parametrize(
    ("register", "group_0", "group_1"),
    [
        ("ICC_SGI0R_EL1", True, False),
        ("ICC_ASGI1R_EL1", True, False),
        ("ICC_SGI1R_EL1", True, True),
    ],
)
def test_the_group_at_the_target_decides_whether_an_sgi_is_generated(
    up: Bench,
    register: str,
    *,
    group_0: bool,
    group_1: bool,
) -> None:
    up.sgi_base(1, b.IGROUPR, ~(1 << 2) & b.ALL)
    for intid in (2, 3):
        up.cpu().msr(register, intid << 24 | 0b10)
    assert up.sgi_base(1, b.ISPENDR) == group_0 << 2 | group_1 << 3
