"""The life of an interrupt: inactive, pending, active, active and pending, inactive."""

from __future__ import annotations

import pytest

from tests.machine.gicv3 import bench as b
from tests.machine.gicv3.bench import SPURIOUS, Bench, running

TIMER = 27
GED = 41


def test_an_sgi_is_raised_acknowledged_and_ended(up: Bench) -> None:
    up.send(7 << 24 | 0b10)
    assert up.raised() == [1]
    assert up.sgi_base(1, b.ISPENDR) == 1 << 7
    assert up.ack(1) == 7
    assert up.raised() == []
    assert (up.sgi_base(1, b.ISPENDR), up.sgi_base(1, b.ISACTIVER)) == (0, 1 << 7)
    up.end(7, 1)
    assert up.sgi_base(1, b.ISACTIVER) == 0
    assert up.ack(1) == SPURIOUS


def test_an_sgi_sent_again_while_active_comes_after_the_end(up: Bench) -> None:
    up.send(1 << 24 | 1)
    up.ack()
    up.send(1 << 24 | 1)
    assert up.raised() == []
    up.end(1)
    assert up.raised() == [0]
    assert up.ack() == 1


def test_a_level_ppi_stays_pending_as_long_as_its_line_is_high(up: Bench) -> None:
    up.sgi_base(0, b.ISENABLER, 1 << TIMER)
    up.gic.set_ppi(0, TIMER, True)
    assert up.raised() == [0]
    assert up.ack() == TIMER
    assert up.sgi_base(0, b.ISPENDR) == 1 << TIMER
    assert up.raised() == []
    up.end(TIMER)
    assert up.raised() == [0]
    up.gic.set_ppi(0, TIMER, False)
    assert up.raised() == []
    assert up.ack() == SPURIOUS


def test_a_ppi_belongs_to_one_cpu(up: Bench) -> None:
    for n in (0, 1):
        up.sgi_base(n, b.ISENABLER, 1 << TIMER)
    up.gic.set_ppi(1, TIMER, True)
    assert up.raised() == [1]
    assert up.ack(0) == SPURIOUS


def test_a_level_spi_follows_its_line(up: Bench) -> None:
    up.bit(b.ISENABLER, 33)
    up.gic.set_spi(33, True)
    assert up.raised() == [0]
    assert up.ack() == 33
    up.gic.set_spi(33, False)
    up.end(33)
    assert up.raised() == []


def test_an_edge_spi_is_latched_once_per_rise(up: Bench) -> None:
    up.edge(GED)
    up.bit(b.ISENABLER, GED)
    up.pulse(GED)
    up.pulse(GED)
    assert up.reads(b.ISPENDR, GED)
    assert up.ack() == GED
    assert not up.reads(b.ISPENDR, GED)
    up.end(GED)
    assert up.ack() == SPURIOUS


def test_an_edge_while_active_is_not_lost(up: Bench) -> None:
    up.edge(GED)
    up.bit(b.ISENABLER, GED)
    up.pulse(GED)
    up.ack()
    up.pulse(GED)
    assert up.reads(b.ISPENDR, GED)
    up.end(GED)
    assert up.ack() == GED


def test_a_held_edge_line_is_one_interrupt(up: Bench) -> None:
    up.edge(GED)
    up.bit(b.ISENABLER, GED)
    up.gic.set_spi(GED, True)
    up.ack()
    up.end(GED)
    up.gic.set_spi(GED, True)
    assert up.raised() == []


def test_a_pulse_before_the_driver_has_configured_an_edge_is_lost(gic: Bench) -> None:
    gic.pulse(GED)
    assert not gic.reads(b.ISPENDR, GED)
    gic.gicd.write(b.CTLR, 4, 0b11)
    gic.start(0)
    gic.edge(GED)
    gic.bit(b.ISENABLER, GED)
    assert gic.raised() == []
    assert gic.ack() == SPURIOUS


def test_a_pulse_on_a_configured_but_disabled_edge_waits_to_be_enabled(up: Bench) -> None:
    up.edge(GED)
    up.pulse(GED)
    assert up.raised() == []
    up.bit(b.ISENABLER, GED)
    assert up.raised() == [0]


def test_software_can_make_a_level_interrupt_pending_until_it_is_taken(up: Bench) -> None:
    up.bit(b.ISENABLER, 33)
    up.bit(b.ISPENDR, 33)
    assert up.ack() == 33
    assert not up.reads(b.ISPENDR, 33)


def test_software_cannot_clear_a_line_that_is_high(up: Bench) -> None:
    up.bit(b.ISENABLER, 33)
    up.gic.set_spi(33, True)
    up.bit(b.ICPENDR, 33)
    assert up.reads(b.ISPENDR, 33)


def test_software_can_take_back_a_latched_edge(up: Bench) -> None:
    up.edge(GED)
    up.bit(b.ISENABLER, GED)
    up.pulse(GED)
    up.bit(b.ICPENDR, GED)
    assert up.raised() == []


def test_an_interrupt_activated_by_software_is_not_signalled(up: Bench) -> None:
    up.bit(b.ISENABLER, 33)
    up.bit(b.ISACTIVER, 33)
    up.gic.set_spi(33, True)
    assert up.raised() == []
    up.bit(b.ICACTIVER, 33)
    assert up.raised() == [0]


@pytest.mark.parametrize("hurdle", ["interrupt", "distributor", "interface"])
def test_what_is_disabled_is_not_signalled(up: Bench, hurdle: str) -> None:
    up.bit(b.ISENABLER, 33)
    up.gic.set_spi(33, True)
    {
        "interrupt": lambda: up.bit(b.ICENABLER, 33),
        "distributor": lambda: up.gicd.write(b.CTLR, 4, 0b01),
        "interface": lambda: up.cpu().msr("ICC_IGRPEN1_EL1", 0),
    }[hurdle]()
    assert up.raised() == []
    assert up.cpu().mrs("ICC_HPPIR1_EL1") == SPURIOUS
    assert up.ack() == SPURIOUS


def test_group_0_comes_as_fiq_and_by_its_own_registers(up: Bench) -> None:
    up.gicd.write(b.IGROUPR + 4, 4, 0)
    up.cpu().msr("ICC_IGRPEN0_EL1", 1)
    up.bit(b.ISENABLER, 33)
    up.gic.set_spi(33, True)
    assert (up.cpu().irq.level, up.cpu().fiq.level) == (False, True)
    assert up.ack() == SPURIOUS
    assert up.cpu().mrs("ICC_HPPIR1_EL1") == SPURIOUS
    assert up.cpu().mrs("ICC_HPPIR0_EL1") == 33
    assert up.cpu().mrs("ICC_IAR0_EL1") == 33
    up.end(33)
    assert up.reads(b.ISACTIVER, 33), "EOIR1 does not end an interrupt of group 0"
    up.cpu().msr("ICC_EOIR0_EL1", 33)
    assert not up.reads(b.ISACTIVER, 33)


def test_with_eoimode_1_the_end_only_drops_the_priority(up: Bench) -> None:
    up.cpu().msr("ICC_CTLR_EL1", 0b10)
    up.send(1 << 24 | 1)
    up.ack()
    up.end(1)
    assert up.cpu().mrs("ICC_RPR_EL1") == 0xFF
    assert up.sgi_base(0, b.ISACTIVER) == 0b10
    up.send(1 << 24 | 1)
    assert up.raised() == []
    up.cpu().msr("ICC_DIR_EL1", 1)
    assert up.sgi_base(0, b.ISACTIVER) == 0
    assert up.raised() == [0]


def test_dir_does_nothing_with_eoimode_0(up: Bench) -> None:
    up.send(1 << 24 | 1)
    up.ack()
    up.cpu().msr("ICC_DIR_EL1", 1)
    assert up.sgi_base(0, b.ISACTIVER) == 0b10


def test_an_spi_may_be_deactivated_by_another_cpu(up: Bench) -> None:
    up.cpu(0).msr("ICC_CTLR_EL1", 0b10)
    up.cpu(1).msr("ICC_CTLR_EL1", 0b10)
    up.bit(b.ISENABLER, 33)
    up.gic.set_spi(33, True)
    up.ack(0)
    up.end(33, 0)
    assert up.raised() == []
    up.cpu(1).msr("ICC_DIR_EL1", 33)
    assert up.raised() == [0]


@pytest.mark.parametrize("intid", [1020, SPURIOUS, 700, 8192])
def test_ending_what_is_no_interrupt_deactivates_nothing(up: Bench, intid: int) -> None:
    up.send(1 << 24 | 1)
    up.ack()
    up.end(intid)
    assert up.sgi_base(0, b.ISACTIVER) == 0b10


def test_an_end_without_a_beginning_is_ignored(up: Bench) -> None:
    up.bit(b.ISACTIVER, 33)
    up.end(33)
    assert up.reads(b.ISACTIVER, 33)


def test_a_cpu_that_takes_its_interrupt_within_the_rise_of_the_wire_leaves_it_low() -> None:
    up = running()
    taken: list[int] = []

    def take(level: bool) -> None:  # noqa: FBT001 - a wire's sink
        if level:
            taken.append(up.ack())
            up.end(taken[-1])

    up.cpu().irq.connect(take)
    up.send(1 << 24 | 1)
    up.send(2 << 24 | 1)
    assert taken == [1, 2]
    assert up.raised() == []


def test_a_fiq_taken_within_its_rise_gives_the_irq_wire_back(up: Bench) -> None:
    cpu = up.cpu()

    def take(level: bool) -> None:  # noqa: FBT001 - a wire's sink
        if level:
            cpu.msr("ICC_EOIR0_EL1", cpu.mrs("ICC_IAR0_EL1"))

    cpu.msr("ICC_IGRPEN0_EL1", 1)
    cpu.fiq.connect(take)
    up.sgi_base(0, b.IGROUPR, ~1 & b.ALL)
    up.send(1 << 24 | 1)
    up.send(0 << 24 | 1)
    assert (cpu.irq.level, cpu.fiq.level) == (True, False)
    assert up.ack() == 1


def test_interrupts_32_bits_apart_do_not_meet(up: Bench) -> None:
    for intid in (33, 65, 287):
        up.bit(b.ISENABLER, intid)
        up.gic.set_spi(intid, True)
        assert up.ack() == intid
        up.gic.set_spi(intid, False)
        up.end(intid)
