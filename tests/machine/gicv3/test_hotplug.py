"""What a CPU's coming and going means to the GIC: sleep, accessibility, reset."""

from __future__ import annotations

from tests.machine.gicv3 import bench as b
from tests.machine.gicv3.bench import SPURIOUS, Bench, running

SGI_1_TO_CPU_1 = 1 << 24 | 0b10


def test_a_redistributor_sleeps_until_it_is_woken(gic: Bench) -> None:
    gic.gicd.write(b.CTLR, 4, 0b11)
    gic.start(1)
    gic.gicr.write(0x20000 + b.WAKER, 4, 0b10)
    gic.send(SGI_1_TO_CPU_1)
    assert gic.sgi_base(1, b.ISPENDR) == 0b10
    assert gic.raised() == []
    gic.wake(1)
    assert gic.gicr.read(0x20000 + b.WAKER, 4) == 0
    assert gic.raised() == [1]


def test_enabling_a_group_wakes_a_redistributor_that_nobody_has_woken(gic: Bench) -> None:
    gic.gicd.write(b.CTLR, 4, 0b11)
    gic.cpu(1).msr("ICC_PMR_EL1", 0xF0)
    gic.cpu(1).msr("ICC_IGRPEN1_EL1", 0)
    assert gic.gicr.read(0x20000 + b.WAKER, 4) == 0b110
    gic.cpu(1).msr("ICC_IGRPEN1_EL1", 1)
    assert gic.gicr.read(0x20000 + b.WAKER, 4) == 0
    gic.send(SGI_1_TO_CPU_1)
    assert gic.raised() == [1]
    gic.gicr.write(0x20000 + b.WAKER, 4, 0b10)
    gic.cpu(1).msr("ICC_IGRPEN1_EL1", 1)
    assert gic.raised() == [], "it was enabled before: it stays asleep"


def test_a_redistributor_put_to_sleep_lowers_the_wires(up: Bench) -> None:
    up.send(SGI_1_TO_CPU_1)
    up.gicr.write(0x20000 + b.WAKER, 4, 0b10)
    assert up.gicr.read(0x20000 + b.WAKER, 4) == 0b110
    assert up.raised() == []
    assert up.ack(1) == SPURIOUS


def test_without_a_waker_redistributors_never_sleep_as_kvms() -> None:
    gic = Bench(waker=False)
    gic.gicr.write(b.WAKER, 4, 0b10)
    assert gic.gicr.read(b.WAKER, 4) == 0
    gic.gicd.write(b.CTLR, 4, 0b11)
    gic.cpu(1).msr("ICC_PMR_EL1", 0xF0)
    gic.cpu(1).msr("ICC_IGRPEN1_EL1", 1)
    gic.send(SGI_1_TO_CPU_1)
    assert gic.raised() == [1]


def test_no_sgi_is_generated_for_an_inaccessible_interface(up: Bench) -> None:
    up.cpu(1).accessible = False
    up.send(SGI_1_TO_CPU_1)
    up.send(1 << 40 | 2 << 24)
    assert up.sgi_base(1, b.ISPENDR) == 0
    up.cpu(1).accessible = True
    assert up.raised() == []


def test_an_inaccessible_interface_keeps_its_wires_low(up: Bench) -> None:
    up.sgi_base(1, b.ISENABLER, 1 << 27)
    up.gic.set_ppi(1, 27, True)
    assert up.raised() == [1]
    up.cpu(1).accessible = False
    assert up.raised() == []
    assert up.ack(1) == SPURIOUS
    up.cpu(1).accessible = True
    assert up.raised() == [1]


def test_the_redistributor_of_an_inaccessible_cpu_can_be_programmed(up: Bench) -> None:
    up.cpu(1).accessible = False
    up.sgi_base(1, b.ISENABLER, 1 << 27)
    assert up.sgi_base(1, b.ISENABLER) == 1 << 27 | 0xFFFF
    assert up.gicr.read(0x20000 + 0x8, 8) == 1 << 32 | 1 << 8 | 1 << 4


def test_an_spi_waits_for_the_cpu_that_it_is_routed_to(up: Bench) -> None:
    up.cpu(1).accessible = False
    up.edge(41)
    up.route(41, 1)
    up.bit(b.ISENABLER, 41)
    up.pulse(41)
    assert up.raised() == []
    up.cpu(1).accessible = True
    assert up.raised() == [1]


def test_reset_of_the_interface_leaves_the_redistributor_alone(up: Bench) -> None:
    up.send(SGI_1_TO_CPU_1)
    up.ack(1)
    up.send(SGI_1_TO_CPU_1)
    up.cpu(1).reset_interface()
    assert up.cpu(1).mrs("ICC_PMR_EL1") == 0
    assert up.cpu(1).mrs("ICC_IGRPEN1_EL1") == 0
    assert up.cpu(1).mrs("ICC_RPR_EL1") == 0xFF
    assert up.sgi_base(1, b.ISPENDR) == up.sgi_base(1, b.ISACTIVER) == 0b10
    assert up.gicr.read(0x20000 + b.WAKER, 4) == 0


def test_reset_brings_back_everything_but_lines_and_accessibility() -> None:
    up = running(3)
    up.cpu(2).accessible = False
    up.sgi_base(1, b.ISENABLER, 1 << 27)
    up.gic.set_ppi(1, 27, True)
    up.edge(41)
    up.pulse(41)
    up.gic.reset()
    assert up.raised() == []
    assert up.gicd.read(b.CTLR, 4) == 0x50
    assert not up.reads(b.ISPENDR, 41)
    assert up.sgi_base(1, b.ISENABLER) == 0xFFFF
    assert up.sgi_base(1, b.ISPENDR) == 1 << 27
    assert up.gicr.read(b.WAKER, 4) == 0b110
    assert up.cpu(2).accessible is False


def test_a_reset_reaches_the_redistributor_of_a_cpu_that_is_gone_or_never_came() -> None:
    up = running(3)
    up.cpu(1).accessible = False
    up.cpu(2).accessible = False
    up.gic.reset()
    for n in (1, 2):
        up.sgi_base(n, b.ISENABLER, 1 << 27)
        up.priority(27, 0xA0, n)
    up.gic.reset()
    assert [up.sgi_base(n, b.ISENABLER) for n in range(3)] == [0xFFFF] * 3
    assert [up.sgi_base(n, b.IPRIORITYR + 24) for n in range(3)] == [0] * 3


def test_two_gics_in_one_process_do_not_meet() -> None:
    one, other = running(), running()
    one.send(SGI_1_TO_CPU_1)
    assert (one.raised(), other.raised()) == ([1], [])
