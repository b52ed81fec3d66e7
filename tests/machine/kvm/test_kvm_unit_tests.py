"""What kvm-unit-tests check of a GICv3, its timers and its monitors, asked of the model by a vCPU.

The checks are those of its arm/gic.c, arm/timer.c and arm/pmu.c; a vCPU does what their code does:
it brings the interface up without GICR_WAKER, and takes interrupts as they come.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import pytest

from machine.kvm.vcpu import HOST_FEATURES, MpState
from tests.machine.kvm.host import DIST, MIDR, REDIST, Host

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine.kvm.vcpu import Vcpu

CPUS = 20
IPI, SPURIOUS = 1, 1023
CTLR, TYPER, IIDR, PIDR2 = 0x0, 0x4, 0x8, 0xFFE8
IGROUPR, ISENABLER, ICENABLER, ISPENDR, ICPENDR = 0x80, 0x100, 0x180, 0x200, 0x280
ISACTIVER, ICACTIVER, IPRIORITYR, ICFGR, IROUTER = 0x300, 0x380, 0x400, 0xC00, 0x6000
VIRT_TIMER, PHYS_TIMER, PMU = 27, 30, 23
TICKS_10_MS = 625_000
ENABLE, IMASK, ISTATUS = 1, 2, 4
BROADCAST = 1 << 40


def sgi_base(cpu: int) -> int:
    return REDIST + cpu * 0x2_0000 + 0x1_0000


@dataclass
class Guest:
    """A guest's interrupt handler, and what it has counted."""

    host: Host
    acked: list[int] = field(default_factory=lambda: [0] * CPUS)
    spurious: list[int] = field(default_factory=lambda: [0] * CPUS)
    taken: list[tuple[int, int]] = field(default_factory=list)
    finish: Callable[[Vcpu, int], None] | None = None

    def handle(self, vcpu: Vcpu) -> None:
        """The IRQ vector."""
        intid = vcpu.mrs("ICC_IAR1_EL1")
        if intid == SPURIOUS:
            self.spurious[vcpu.id] += 1
            return
        (self.finish or end)(vcpu, intid)
        self.acked[vcpu.id] += 1
        self.taken.append((vcpu.id, intid))

    def cpu(self, n: int = 0) -> Vcpu:
        return self.host.vm.vcpus[n]

    def reset(self) -> None:
        """Forget the counts."""
        self.acked, self.spurious, self.taken = [0] * CPUS, [0] * CPUS, []

    def expect(self, cpus: set[int]) -> None:
        """Each of these has taken the interrupt once, and nobody else has."""
        assert self.acked == [int(n in cpus) for n in range(CPUS)]
        assert {intid for _, intid in self.taken} <= {IPI}
        assert not any(self.spurious)
        self.reset()


def end(vcpu: Vcpu, intid: int) -> None:
    vcpu.msr("ICC_EOIR1_EL1", intid)


def enable_defaults(vcpu: Vcpu) -> None:
    """lib/arm/gic-v3.c: what each CPU does, and the first one for all."""
    if vcpu.id == 0:
        vcpu.store(DIST + CTLR, 4, 0x12)
    base = sgi_base(vcpu.id)
    vcpu.store(base + IGROUPR, 4, 0xFFFF_FFFF)
    for at in range(0, 32, 4):
        vcpu.store(base + IPRIORITYR + at, 4, 0xA0A0_A0A0)
    vcpu.store(base + ISENABLER, 4, 0xFFFF)
    vcpu.msr("ICC_PMR_EL1", 0xF0)
    vcpu.msr("ICC_IGRPEN1_EL1", 1)


@pytest.fixture
def guest(host: Host) -> Guest:
    for n in range(CPUS):
        host.vm.create_vcpu(n).init(HOST_FEATURES, midr=MIDR)
    host.vgic(CPUS).init()
    made = Guest(host)
    assert host.vm.vgic is not None
    gic = host.vm.vgic.gic
    assert gic is not None
    host.vm.vcpus[0].run()
    for n, vcpu in host.vm.vcpus.items():
        gic.cpus[n].irq.connect(vcpu.irq.set)
        lines = (vcpu.virt_timer.line, vcpu.phys_timer.line, vcpu.pmu.line)
        for line, intid in zip(lines, (VIRT_TIMER, PHYS_TIMER, PMU), strict=True):
            line.connect(partial(gic.set_ppi, n, intid))
        vcpu.on_kick = partial(made.handle, vcpu)
        vcpu.set_mp_state(MpState.RUNNABLE)
        enable_defaults(vcpu)
    return made


def send(vcpu: Vcpu, targets: list[int]) -> None:
    """gic_ipi_send_mask: a write for each 16 CPUs."""
    for cluster in {target >> 4 for target in targets}:
        mask = sum(1 << (target & 15) for target in targets if target >> 4 == cluster)
        vcpu.msr("ICC_SGI1R_EL1", IPI << 24 | cluster << 16 | mask)


# arm/gic.c: ipi, active


@pytest.mark.parametrize("sender", [0, 1, 17])
def test_an_ipi_to_oneself_is_taken_once(guest: Guest, sender: int) -> None:
    send(guest.cpu(sender), [sender])
    guest.expect({sender})


@pytest.mark.parametrize("sender", [0, 1, 17])
def test_an_ipi_to_a_target_list_is_taken_by_each_once(guest: Guest, sender: int) -> None:
    targets = list(range(1 - sender % 2, CPUS, 2))
    send(guest.cpu(sender), targets)
    guest.expect(set(targets))


@pytest.mark.parametrize("sender", [0, 1, 17])
def test_a_broadcast_ipi_is_taken_by_all_others(guest: Guest, sender: int) -> None:
    guest.cpu(sender).msr("ICC_SGI1R_EL1", BROADCAST | IPI << 24)
    guest.expect(set(range(CPUS)) - {sender})


def test_ipis_one_after_another_are_all_taken(guest: Guest) -> None:
    for _ in range(3):
        for n in range(CPUS):
            send(guest.cpu(1), [n])
            guest.expect({n})


def test_an_interrupt_that_is_cleared_instead_of_ended_is_taken_once(guest: Guest) -> None:
    def clear(vcpu: Vcpu, intid: int) -> None:
        vcpu.store(sgi_base(vcpu.id) + ICACTIVER, 4, 1 << intid)

    guest.finish = clear
    send(guest.cpu(), [0])
    guest.expect({0})
    assert guest.cpu().load(sgi_base(0) + ISACTIVER, 4) == 0


# arm/gic.c: mmio


@pytest.mark.parametrize("offset", [TYPER, IIDR, PIDR2])
def test_an_identification_register_is_read_only(guest: Guest, offset: int) -> None:
    vcpu = guest.cpu()
    value = vcpu.load(DIST + offset, 4)
    for written in (0, 0xFFFF_FFFF, value ^ 0xFFFF_FFFF, 0xA5A5_A5A5):
        vcpu.store(DIST + offset, 4, written)
        assert vcpu.load(DIST + offset, 4) == value


def interrupts(vcpu: Vcpu) -> int:
    return 32 * ((vcpu.load(DIST + TYPER, 4) & 0x1F) + 1)


def priority_places(vcpu: Vcpu) -> list[int]:
    """Of the first SPIs, of the last ones, and of this CPU's own."""
    last = interrupts(vcpu) - 4
    return [DIST + IPRIORITYR + 32, DIST + IPRIORITYR + last, sgi_base(0) + IPRIORITYR]


def test_priorities_have_the_same_bits_everywhere_and_at_least_four(guest: Guest) -> None:
    vcpu = guest.cpu()
    masks = set()
    for place in priority_places(vcpu):
        vcpu.store(place, 4, 0xFFFF_FFFF)
        masks |= set(vcpu.load(place, 4).to_bytes(4, "little"))
    (mask,) = masks
    bits = mask.bit_count()
    assert 4 <= bits <= 8
    assert mask == 0xFF << 8 - bits & 0xFF, "the upper ones"


def test_priorities_can_be_cleared(guest: Guest) -> None:
    vcpu = guest.cpu()
    for place in priority_places(vcpu):
        vcpu.store(place, 4, 0xFFFF_FFFF)
        vcpu.store(place, 4, 0)
        assert vcpu.load(place, 4) == 0


def test_priorities_beyond_the_last_interrupt_read_as_zero_and_ignore_writes(guest: Guest) -> None:
    vcpu = guest.cpu()
    beyond = DIST + IPRIORITYR + interrupts(vcpu)
    vcpu.store(beyond, 4, 0xFFFF_FFFF)
    assert vcpu.load(beyond, 4) == 0


def test_priorities_are_accessible_by_byte(guest: Guest) -> None:
    vcpu = guest.cpu()
    pattern = 0x0102_0304_0506_0708 << 4 & 0xFFFF_FFFF
    for place in priority_places(vcpu):
        vcpu.store(place, 4, pattern)
        whole = vcpu.load(place, 4).to_bytes(4, "little")
        assert [vcpu.load(place + n, 1) for n in range(4)] == list(whole)
        for n in range(4):
            vcpu.store(place + n, 1, 0xF8 - 0x10 * n)
            assert vcpu.load(place + n, 1) == 0xF8 - 0x10 * n
        assert vcpu.load(place, 4) == 0xC8D8_E8F8


@pytest.mark.parametrize("intid", [32, 41, 63])
def test_the_trigger_of_an_spi_can_be_configured_and_decides(guest: Guest, intid: int) -> None:
    vcpu = guest.cpu()
    config, shift = DIST + ICFGR + intid // 16 * 4, intid % 16 * 2
    bank, bit = intid // 32 * 4, 1 << intid % 32
    assert guest.host.vm.vgic is not None
    gic = guest.host.vm.vgic.gic
    assert gic is not None

    def lower_and_end(vcpu: Vcpu, intid: int) -> None:
        gic.set_spi(intid, False)
        end(vcpu, intid)

    guest.finish = lower_and_end
    vcpu.store(DIST + IPRIORITYR + intid, 1, 0xA0)
    vcpu.store(DIST + ISENABLER + bank, 4, bit)
    for edge in (0, 1, 0):
        vcpu.store(config, 4, edge << shift + 1)
        assert vcpu.load(config, 4) == edge << shift + 1
        vcpu.store(DIST + ICENABLER + bank, 4, bit)
        gic.set_spi(intid, True)
        gic.set_spi(intid, False)
        assert bool(vcpu.load(DIST + ISPENDR + bank, 4) & bit) is bool(edge)
        vcpu.store(DIST + ISENABLER + bank, 4, bit)
        gic.set_spi(intid, True)
        assert guest.taken == [(0, intid)] * (1 + edge)
        guest.reset()


def test_the_trigger_of_a_ppi_can_be_configured_and_that_of_an_sgi_can_not(guest: Guest) -> None:
    vcpu = guest.cpu(3)
    for written, reads in ((0xFFFF_FFFF, 0xAAAA_AAAA), (0, 0)):
        vcpu.store(sgi_base(3) + ICFGR + 4, 4, written)
        assert vcpu.load(sgi_base(3) + ICFGR + 4, 4) == reads
        vcpu.store(sgi_base(3) + ICFGR, 4, written)
        assert vcpu.load(sgi_base(3) + ICFGR, 4) == 0xAAAA_AAAA


@pytest.mark.parametrize("target", [0, 5, 19])
def test_an_spi_goes_where_it_is_routed(guest: Guest, target: int) -> None:
    vcpu = guest.cpu()
    affinity = guest.cpu(target).mrs("MPIDR_EL1") & 0xFF_FFFF
    vcpu.store(DIST + IROUTER + 8 * 40, 8, affinity)
    vcpu.store(DIST + ISENABLER + 4, 4, 1 << 8)
    vcpu.store(DIST + ISPENDR + 4, 4, 1 << 8)
    assert guest.taken == [(target, 40)]


# arm/timer.c


@pytest.fixture(params=[("CNTV", VIRT_TIMER), ("CNTP", PHYS_TIMER)], ids=["virtual", "physical"])
def timer(request: pytest.FixtureRequest) -> tuple[str, int]:
    name, intid = request.param
    return name, intid


def pending(vcpu: Vcpu, intid: int) -> bool:
    return bool(vcpu.load(sgi_base(vcpu.id) + ISPENDR, 4) >> intid & 1)


def masks_and_ends(name: str, vcpu: Vcpu, intid: int) -> None:
    vcpu.msr(f"{name}_CTL_EL0", IMASK | ENABLE)
    vcpu.msr("ICC_EOIR1_EL1", intid)


@pytest.mark.parametrize("register", ["CVAL", "TVAL"])
def test_a_timer_interrupts_after_10_ms(
    guest: Guest,
    timer: tuple[str, int],
    register: str,
) -> None:
    name, intid = timer
    vcpu = guest.cpu(1)
    guest.finish = partial(masks_and_ends, name)
    vcpu.store(sgi_base(1) + ISENABLER, 4, 1 << intid)
    before = vcpu.mrs("CNTVCT_EL0") if register == "CVAL" else 0
    vcpu.msr(f"{name}_{register}_EL0", before + TICKS_10_MS)
    vcpu.msr(f"{name}_CTL_EL0", ENABLE)
    assert not pending(vcpu, intid), "not before"
    guest.host.clock.advance_to(10_000_000 - 16)
    assert guest.taken == []
    guest.host.clock.advance_to(10_000_000)
    assert guest.taken == [(1, intid)]
    assert vcpu.mrs(f"{name}_CTL_EL0") == ENABLE | IMASK | ISTATUS
    assert not pending(vcpu, intid), "no longer"


def test_a_timer_is_pending_while_its_interrupt_is_disabled(
    guest: Guest,
    timer: tuple[str, int],
) -> None:
    name, intid = timer
    vcpu = guest.cpu()
    guest.finish = partial(masks_and_ends, name)
    guest.host.clock.advance_to(1600)
    vcpu.msr(f"{name}_TVAL_EL0", 0xFFFF_FFFF)
    vcpu.msr(f"{name}_CTL_EL0", ENABLE)
    assert vcpu.mrs(f"{name}_CTL_EL0") & ISTATUS
    assert pending(vcpu, intid)
    assert guest.taken == []
    vcpu.store(sgi_base(0) + ISENABLER, 4, 1 << intid)
    assert guest.taken == [(0, intid)]


def test_a_masked_timer_has_its_condition_and_no_interrupt(
    guest: Guest,
    timer: tuple[str, int],
) -> None:
    name, intid = timer
    vcpu = guest.cpu()
    vcpu.store(sgi_base(0) + ISENABLER, 4, 1 << intid)
    vcpu.msr(f"{name}_CVAL_EL0", 0)
    vcpu.msr(f"{name}_CTL_EL0", ENABLE | IMASK)
    assert vcpu.mrs(f"{name}_CTL_EL0") == ENABLE | IMASK | ISTATUS
    assert not pending(vcpu, intid)
    assert guest.taken == []


def test_an_instant_that_is_set_anew_takes_the_interrupt_back(
    guest: Guest,
    timer: tuple[str, int],
) -> None:
    name, intid = timer
    vcpu = guest.cpu()
    vcpu.msr(f"{name}_CVAL_EL0", 0)
    vcpu.msr(f"{name}_CTL_EL0", ENABLE)
    assert pending(vcpu, intid)
    vcpu.msr(f"{name}_CVAL_EL0", (1 << 64) - 1)
    assert not pending(vcpu, intid)
    assert not vcpu.mrs(f"{name}_CTL_EL0") & ISTATUS


def test_the_counters_go_on_together_and_have_no_offset(guest: Guest) -> None:
    vcpu = guest.cpu()
    for step in (0, 15, 16, 1_000_000):
        guest.host.clock.advance_to(guest.host.clock.now + step)
        assert vcpu.mrs("CNTVCT_EL0") == vcpu.mrs("CNTPCT_EL0") == guest.host.clock.now // 16
    assert guest.cpu(1).mrs("CNTVCT_EL0") == vcpu.mrs("CNTVCT_EL0")


def test_access_from_el0_is_remembered(guest: Guest) -> None:
    guest.cpu().msr("CNTKCTL_EL1", 0xFFFF_FFFF)
    assert guest.cpu().mrs("CNTKCTL_EL1") == 0x3FF
    assert guest.cpu(1).mrs("CNTKCTL_EL1") == 0


# arm/pmu.c


def test_the_cycle_counter_never_goes_back(guest: Guest) -> None:
    vcpu = guest.cpu()
    vcpu.msr("PMCNTENSET_EL0", 1 << 31)
    vcpu.msr("PMCR_EL0", 0b111 | 1 << 6)
    counts = []
    for _ in range(10):
        guest.host.clock.advance_to(guest.host.clock.now + 100)
        counts.append(vcpu.mrs("PMCCNTR_EL0"))
    assert counts == [100 * n for n in range(1, 11)]


def test_an_overflow_of_the_cycle_counter_interrupts(guest: Guest) -> None:
    vcpu = guest.cpu(2)

    def clear(vcpu: Vcpu, intid: int) -> None:
        vcpu.msr("PMOVSCLR_EL0", 1 << 31)
        end(vcpu, intid)

    guest.finish = clear
    vcpu.store(sgi_base(2) + ISENABLER, 4, 1 << PMU)
    vcpu.msr("PMINTENSET_EL1", 1 << 31)
    vcpu.msr("PMCNTENSET_EL0", 1 << 31)
    vcpu.msr("PMCCNTR_EL0", 0xFFFF_FFF0)
    vcpu.msr("PMCR_EL0", 1)
    guest.host.clock.advance_to(15)
    assert guest.taken == []
    guest.host.clock.advance_to(16)
    assert guest.taken == [(2, PMU)]
