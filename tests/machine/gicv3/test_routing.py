from __future__ import annotations

from tests.machine.gicv3 import bench as b
from tests.machine.gicv3.bench import Bench, running

ANY = 1 << 31


def routed(count: int, route: int) -> Bench:
    """SPI 40 high, enabled, and routed."""
    up = running(count)
    up.bit(b.ISENABLER, 40)
    up.route(40, route)
    up.gic.set_spi(40, True)
    return up


def test_an_spi_goes_to_the_cpu_of_that_affinity() -> None:
    up = routed(20, 0x102)
    assert up.raised() == [18]
    assert up.ack(18) == 40


def test_an_spi_moves_while_it_is_pending() -> None:
    up = routed(4, 2)
    up.route(40, 3)
    assert up.raised() == [3]


def test_an_spi_to_an_affinity_that_nobody_has_stays_pending() -> None:
    up = routed(4, 0x30000)
    assert up.raised() == []
    assert up.reads(b.ISPENDR, 40)
    up.route(40, 1)
    assert up.raised() == [1]


def test_neighbours_in_a_bank_keep_their_routes() -> None:
    up = routed(4, 2)
    up.bit(b.ISENABLER, 41)
    up.gic.set_spi(41, True)
    assert up.raised() == [0, 2]
    assert (up.ack(0), up.ack(2)) == (41, 40)


def test_one_of_n_chooses_the_lowest_cpu_that_takes_part() -> None:
    up = routed(4, ANY)
    assert up.raised() == [0]
    up.cpu(0).msr("ICC_IGRPEN1_EL1", 0)
    assert up.raised() == [1]
    up.cpu(1).accessible = False
    assert up.raised() == [2]
    up.gicr.write(2 * 0x20000 + b.WAKER, 4, 0b10)
    assert up.raised() == [3]
    up.cpu(1).accessible = True
    assert up.raised() == [1]


def test_one_of_n_is_delivered_to_one_only() -> None:
    up = routed(4, ANY)
    assert [up.ack(n) for n in (3, 2, 1, 0, 1)] == [1023, 1023, 1023, 40, 1023]
    up.end(40, 0)
    assert up.raised() == [0]


def test_one_of_n_waits_where_nobody_takes_part() -> None:
    up = routed(2, ANY)
    for n in (0, 1):
        up.cpu(n).msr("ICC_IGRPEN1_EL1", 0)
    assert up.raised() == []
    up.cpu(1).msr("ICC_IGRPEN1_EL1", 1)
    assert up.raised() == [1]


def test_one_of_n_is_chosen_for_each_group() -> None:
    up = routed(3, ANY)
    up.cpu(2).msr("ICC_IGRPEN0_EL1", 1)
    up.gicd.write(b.IGROUPR + 4, 4, 0)
    assert up.raised() == []
    assert [cpu.fiq.level for cpu in up.gic.cpus] == [False, False, True]


def test_reset_routes_everything_to_the_first_cpu_again() -> None:
    up = routed(3, 2)
    up.gic.reset()
    assert up.raised() == []
    up.gicd.write(b.CTLR, 4, 0b11)
    up.start(0)
    up.start(2)
    up.bit(b.ISENABLER, 40)
    assert up.raised() == [0], "the line is still high: it is the device's"
