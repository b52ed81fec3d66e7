"""A GIC with one CPU against a reference that is slow and obvious: a list of interrupts."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.machine.gicv3 import bench as b
from tests.machine.gicv3.bench import SPURIOUS, Bench, running

SGIS = (0, 5)
PPIS = (27, 30)
SPIS = (32, 41, 63, 64, 287)
INTIDS = SGIS + PPIS + SPIS
PRIORITIES = (0x00, 0x20, 0x80, 0x88, 0xA0, 0xA8, 0xF0)

intids = st.sampled_from(INTIDS)
wired = st.sampled_from(PPIS + SPIS)


@dataclass
class Interrupt:
    """What the architecture says about one interrupt, spelled out."""

    intid: int
    edge: bool
    enabled: bool
    group: int = 1
    priority: int = 0
    latch: bool = False
    line: bool = False
    active: bool = False

    @property
    def pending(self) -> bool:
        return self.latch or (self.line and not self.edge)

    def drive(self, *, level: bool) -> None:
        if level and not self.line and self.edge:
            self.latch = True
        self.line = level


@dataclass
class Model:
    """One CPU interface: a stack of what it runs, and plain searches."""

    interrupts: dict[int, Interrupt]
    pmr: int = 0xF0
    bpr: list[int] = field(default_factory=lambda: [2, 3])
    enables: list[bool] = field(default_factory=lambda: [False, True])
    eoimode: bool = False
    running: list[tuple[int, int]] = field(default_factory=list)

    def group_priority(self, interrupt: Interrupt) -> int:
        drop = self.bpr[1] if interrupt.group else self.bpr[0] + 1
        return interrupt.priority >> drop << drop

    def highest(self) -> Interrupt | None:
        able = [
            each
            for each in self.interrupts.values()
            if each.pending and each.enabled and not each.active and self.enables[each.group]
        ]
        return min(able, key=lambda each: (each.priority, each.intid), default=None)

    def signalled(self) -> Interrupt | None:
        best = self.highest()
        if best is None or best.priority >= self.pmr:
            return None
        if self.running and self.group_priority(best) >= self.running[-1][0]:
            return None
        return best

    def acknowledge(self, group: int) -> int:
        best = self.signalled()
        if best is None or best.group != group:
            return SPURIOUS
        best.active, best.latch = True, False
        self.running.append((self.group_priority(best), group))
        return best.intid

    def end(self, group: int, intid: int) -> None:
        if not self.running or self.running[-1][1] != group:
            return
        self.running.pop()
        if not self.eoimode:
            self.interrupts[intid].active = False


def fresh(intid: int) -> Interrupt:
    return Interrupt(intid, edge=intid < 16, enabled=intid < 16)


class OneCpu(RuleBasedStateMachine):
    """Do the same to both, and compare everything that can be seen."""

    up: Bench
    model: Model

    @initialize()
    def start(self) -> None:
        self.up = running(1)
        self.model = Model({intid: fresh(intid) for intid in INTIDS})

    def write(self, register: int, intid: int) -> None:
        if intid < 32:
            self.up.sgi_base(0, register, 1 << intid)
        else:
            self.up.bit(register, intid)

    def masks(self, register: int) -> dict[int, bool]:
        private = self.up.sgi_base(0, register)
        return {
            intid: bool(private >> intid & 1) if intid < 32 else self.up.reads(register, intid)
            for intid in INTIDS
        }

    @rule(intid=wired, level=st.booleans())
    def drive(self, intid: int, *, level: bool) -> None:
        if intid < 32:
            self.up.gic.set_ppi(0, intid, level)
        else:
            self.up.gic.set_spi(intid, level)
        self.model.interrupts[intid].drive(level=level)

    @rule(intid=st.sampled_from(SGIS))
    def send(self, intid: int) -> None:
        self.up.send(intid << 24 | 1)
        self.model.interrupts[intid].latch = True

    @rule(intid=intids, enabled=st.booleans())
    def enable(self, intid: int, *, enabled: bool) -> None:
        self.write(b.ISENABLER if enabled else b.ICENABLER, intid)
        self.model.interrupts[intid].enabled = enabled

    @rule(intid=intids, latch=st.booleans())
    def pend(self, intid: int, *, latch: bool) -> None:
        self.write(b.ISPENDR if latch else b.ICPENDR, intid)
        self.model.interrupts[intid].latch = latch

    @rule(intid=intids, active=st.booleans())
    def activate(self, intid: int, *, active: bool) -> None:
        self.write(b.ISACTIVER if active else b.ICACTIVER, intid)
        self.model.interrupts[intid].active = active

    @rule(intid=intids, priority=st.sampled_from(PRIORITIES))
    def prioritise(self, intid: int, priority: int) -> None:
        self.up.priority(intid, priority)
        self.model.interrupts[intid].priority = priority

    @rule(intid=wired, edge=st.booleans())
    def configure(self, intid: int, *, edge: bool) -> None:
        device = self.up.gicd if intid >= 32 else self.up.gicr
        at = (0x10000 if intid < 32 else 0) + b.ICFGR + intid // 16 * 4
        shift = intid % 16 * 2
        device.write(at, 4, (device.read(at, 4) & ~(2 << shift)) | edge << shift + 1)
        self.model.interrupts[intid].edge = edge

    @rule(intid=intids, group=st.sampled_from((0, 1)))
    def assign(self, intid: int, group: int) -> None:
        device = self.up.gicd if intid >= 32 else self.up.gicr
        at = (0x10000 if intid < 32 else 0) + b.IGROUPR + intid // 32 * 4
        shift = intid % 32
        device.write(at, 4, (device.read(at, 4) & ~(1 << shift)) | group << shift)
        self.model.interrupts[intid].group = group

    @rule(mask=st.sampled_from((*PRIORITIES, 0xF8)))
    def mask_priorities(self, mask: int) -> None:
        self.up.cpu().msr("ICC_PMR_EL1", mask)
        self.model.pmr = mask

    @rule(group=st.sampled_from((0, 1)), point=st.integers(0, 7))
    def set_binary_point(self, group: int, point: int) -> None:
        self.up.cpu().msr(f"ICC_BPR{group}_EL1", point)
        self.model.bpr[group] = max(point, 2 + group)

    @rule(group=st.sampled_from((0, 1)), enabled=st.booleans())
    def enable_group(self, group: int, *, enabled: bool) -> None:
        self.up.cpu().msr(f"ICC_IGRPEN{group}_EL1", enabled)
        self.model.enables[group] = enabled

    @rule(eoimode=st.booleans())
    def set_eoimode(self, *, eoimode: bool) -> None:
        self.up.cpu().msr("ICC_CTLR_EL1", eoimode << 1)
        self.model.eoimode = eoimode

    @rule(group=st.sampled_from((0, 1, 1, 1)))
    def acknowledge(self, group: int) -> None:
        active = self.masks(b.ISACTIVER)
        foretold = self.up.cpu().mrs(f"ICC_HPPIR{group}_EL1")
        taken = self.up.cpu().mrs(f"ICC_IAR{group}_EL1")
        assert taken == self.model.acknowledge(group)
        assert taken in (SPURIOUS, foretold)
        assert taken == SPURIOUS or not active[taken], "an interrupt is never active twice"

    @rule(group=st.sampled_from((0, 1, 1, 1)), intid=intids)
    def end(self, group: int, intid: int) -> None:
        self.up.cpu().msr(f"ICC_EOIR{group}_EL1", intid)
        self.model.end(group, intid)

    @rule(intid=intids)
    def deactivate(self, intid: int) -> None:
        self.up.cpu().msr("ICC_DIR_EL1", intid)
        if self.model.eoimode:
            self.model.interrupts[intid].active = False

    @invariant()
    def wires_say_what_can_be_taken(self) -> None:
        best = self.model.signalled()
        cpu = self.up.cpu()
        assert cpu.irq.level is (best is not None and best.group == 1)
        assert cpu.fiq.level is (best is not None and best.group == 0)

    @invariant()
    def states_agree(self) -> None:
        interrupts = self.model.interrupts.items()
        assert self.masks(b.ISPENDR) == {intid: each.pending for intid, each in interrupts}
        assert self.masks(b.ISACTIVER) == {intid: each.active for intid, each in interrupts}

    @invariant()
    def running_priority_agrees(self) -> None:
        running_now = self.model.running[-1][0] if self.model.running else 0xFF
        assert self.up.cpu().mrs("ICC_RPR_EL1") == running_now

    @invariant()
    def highest_pending_agrees(self) -> None:
        best = self.model.highest()
        for group in (0, 1):
            expected = best.intid if best is not None and best.group == group else SPURIOUS
            assert self.up.cpu().mrs(f"ICC_HPPIR{group}_EL1") == expected


OneCpu.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
test_one_cpu_behaves_as_the_obvious_model = OneCpu.TestCase
