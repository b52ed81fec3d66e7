from __future__ import annotations

import pytest

from tests.machine.gicv3 import bench as b
from tests.machine.gicv3.bench import SPURIOUS, Bench


def raise_spi(up: Bench, intid: int, priority: int) -> None:
    up.priority(intid, priority)
    up.bit(b.ISENABLER, intid)
    up.gic.set_spi(intid, True)


def test_the_most_urgent_comes_first_and_of_equals_the_lowest_number(up: Bench) -> None:
    for intid, priority in ((40, 0xA0), (200, 0x80), (100, 0x80), (50, 0xA0)):
        raise_spi(up, intid, priority)
    order = []
    while (intid := up.ack()) != SPURIOUS:
        order.append(intid)
        up.gic.set_spi(intid, False)
        up.end(intid)
    assert order == [100, 200, 40, 50]


def test_private_and_shared_interrupts_compete_by_priority_then_number(up: Bench) -> None:
    raise_spi(up, 40, 0xA0)
    up.priority(3, 0xA0)
    up.send(3 << 24 | 1)
    assert up.cpu().mrs("ICC_HPPIR1_EL1") == 3
    up.priority(40, 0x98)
    assert up.cpu().mrs("ICC_HPPIR1_EL1") == 40


@pytest.mark.parametrize(("mask", "signalled"), [(0xA8, True), (0xA0, False), (0x00, False)])
def test_only_what_is_above_the_priority_mask_is_signalled(
    up: Bench,
    mask: int,
    signalled: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    raise_spi(up, 40, 0xA0)
    up.cpu().msr("ICC_PMR_EL1", mask)
    assert up.cpu().irq.level is signalled
    assert up.cpu().mrs("ICC_HPPIR1_EL1") == 40, "HPPIR does not look at the mask"
    assert up.ack() == (40 if signalled else SPURIOUS)


def test_a_more_urgent_interrupt_preempts_and_an_equal_one_does_not(up: Bench) -> None:
    raise_spi(up, 40, 0xA0)
    assert up.ack() == 40
    assert up.cpu().mrs("ICC_RPR_EL1") == 0xA0
    raise_spi(up, 41, 0xA0)
    assert up.raised() == []
    raise_spi(up, 42, 0x98)
    assert up.raised() == [0]
    assert up.ack() == 42
    assert up.cpu().mrs("ICC_RPR_EL1") == 0x98
    assert up.cpu().mrs("ICC_AP1R0_EL1") == 1 << (0xA0 >> 3) | 1 << (0x98 >> 3)
    up.gic.set_spi(42, False)
    up.end(42)
    assert up.cpu().mrs("ICC_RPR_EL1") == 0xA0
    up.gic.set_spi(40, False)
    up.end(40)
    assert up.ack() == 41


def test_the_binary_point_groups_priorities_that_do_not_preempt_each_other(up: Bench) -> None:
    up.cpu().msr("ICC_BPR1_EL1", 6)
    raise_spi(up, 40, 0xA0)
    assert up.ack() == 40
    assert up.cpu().mrs("ICC_RPR_EL1") == 0x80
    raise_spi(up, 41, 0x88)
    assert up.raised() == [], "0x88 and 0xA0 are one group priority"
    raise_spi(up, 42, 0x78)
    assert up.ack() == 42


def test_with_cbpr_the_binary_point_of_group_0_decides_for_group_1(up: Bench) -> None:
    up.cpu().msr("ICC_BPR0_EL1", 5)
    up.cpu().msr("ICC_CTLR_EL1", 1)
    raise_spi(up, 40, 0xA8)
    assert up.ack() == 40
    assert up.cpu().mrs("ICC_RPR_EL1") == 0x80
    raise_spi(up, 41, 0x80)
    assert up.raised() == []
    up.cpu().msr("ICC_CTLR_EL1", 0)
    assert up.raised() == [], "0x80 is no more urgent than what runs, by any grouping"
    raise_spi(up, 42, 0x78)
    assert up.raised() == [0]
    up.cpu().msr("ICC_CTLR_EL1", 1)
    assert up.ack() == 42
    assert up.cpu().mrs("ICC_AP1R0_EL1") == 1 << (0x80 >> 3) | 1 << (0x40 >> 3)


def test_subpriorities_still_order_what_is_pending(up: Bench) -> None:
    up.cpu().msr("ICC_BPR1_EL1", 7)
    raise_spi(up, 40, 0xA0)
    raise_spi(up, 41, 0x90)
    assert up.ack() == 41


def test_groups_share_one_running_priority(up: Bench) -> None:
    up.cpu().msr("ICC_IGRPEN0_EL1", 1)
    up.gicd.write(b.IGROUPR + 4, 4, ~(1 << 8) & b.ALL)
    raise_spi(up, 40, 0xA0)
    raise_spi(up, 41, 0xC0)
    assert up.ack() == SPURIOUS, "the most urgent one is of group 0"
    assert up.cpu().mrs("ICC_IAR0_EL1") == 40
    assert (up.cpu().mrs("ICC_AP0R0_EL1"), up.cpu().mrs("ICC_AP1R0_EL1")) == (1 << 20, 0)
    assert up.cpu().irq.level is False
    raise_spi(up, 42, 0x20)
    assert (up.cpu().irq.level, up.cpu().fiq.level) == (True, False)


def test_a_priority_changed_while_active_does_not_disturb_the_drop(up: Bench) -> None:
    raise_spi(up, 40, 0xA0)
    up.ack()
    up.priority(40, 0x10)
    up.gic.set_spi(40, False)
    up.end(40)
    assert up.cpu().mrs("ICC_RPR_EL1") == 0xFF


def test_active_priorities_can_be_written(up: Bench) -> None:
    raise_spi(up, 40, 0xA0)
    up.cpu().msr("ICC_AP1R0_EL1", 1 << 4)
    assert up.cpu().mrs("ICC_RPR_EL1") == 0x20
    assert up.raised() == []
    up.cpu().msr("ICC_AP1R0_EL1", 0)
    assert up.raised() == [0]


def test_a_new_binary_point_is_applied_to_what_waits(up: Bench) -> None:
    raise_spi(up, 40, 0xA8)
    up.ack()
    raise_spi(up, 41, 0xA8)
    assert up.raised() == []
    up.cpu().msr("ICC_BPR1_EL1", 5)
    assert up.raised() == [0], "group priority 0xA0 is above the running 0xA8"
    up.cpu().msr("ICC_BPR1_EL1", 3)
    assert up.raised() == []
