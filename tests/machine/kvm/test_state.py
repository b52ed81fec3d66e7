"""State that is saved and loaded: the same registers, and the same behaviour ever after."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from machine.gicv3.distributor import Distributor
from machine.gicv3.redistributor import Redistributor
from machine.kvm.one_reg import ONE_REGS
from machine.kvm.state import (
    COUNTERS,
    CPU_INTERFACE,
    DISTRIBUTOR,
    PER_CPU,
    VCPU,
    load_vm,
    save_vm,
)
from machine.kvm.vcpu import HOST_FEATURES, MpState
from machine.kvm.vgic_attr import Group
from machine.memmap import PPI_PHYSICAL_TIMER, PPI_PMU, PPI_VIRTUAL_TIMER
from tests.machine.kvm.host import DIST, MIDR, REDIST, Code, Host, refused

if TYPE_CHECKING:
    from machine.register import Reg

CPUS, IRQS = 3, 96
FRAMES = 0x2_0000


class Wired(Host):
    """A VM whose timers, monitors and CPU interfaces are connected as a board connects them."""

    def __init__(self) -> None:
        super().__init__()
        for n in range(CPUS):
            self.vm.create_vcpu(n).init(HOST_FEATURES, midr=MIDR)
        vgic = self.vgic(CPUS)
        vgic.set_nr_irqs(IRQS)
        vgic.init()
        assert vgic.gic is not None
        self.gic = vgic.gic
        for n, vcpu in self.vm.vcpus.items():
            self.gic.cpus[n].irq.connect(vcpu.irq.set)
            for line, intid in (
                (vcpu.virt_timer.line, PPI_VIRTUAL_TIMER),
                (vcpu.phys_timer.line, PPI_PHYSICAL_TIMER),
                (vcpu.pmu.line, PPI_PMU),
            ):
                line.connect(partial(self.gic.set_ppi, n, intid))
        self.vm.vcpus[0].run()

    def close(self) -> None:
        self.ram.close()


@dataclass(frozen=True)
class Access:
    """Something that a guest or a device does; its result is what can be seen of it."""

    what: str
    cpu: int
    at: int | str
    value: int = 0
    size: int = 4

    def do(self, host: Wired) -> int:
        vcpu = host.vm.vcpus[self.cpu]
        match self.what, self.at:
            case "load", int(at):
                return vcpu.load(at, self.size)
            case "store", int(at):
                vcpu.store(at, self.size, self.value)
            case "mrs", str(name):
                return vcpu.mrs(name)
            case "msr", str(name):
                vcpu.msr(name, self.value)
            case "spi", int(intid):
                host.gic.set_spi(intid, bool(self.value))
            case "wait", int(ticks):
                host.clock.advance_to(host.clock.now + 16 * ticks)
        return 0


cpus = st.integers(0, CPUS - 1)
words = st.one_of(st.integers(0, 0xFFFF_FFFF), st.sampled_from([0, 1, 2, 0xFFFF_FFFF, 0xF0F0_0F0F]))


def places(register: Reg, base: int) -> list[int]:
    """Where 32 bits can be accessed; of the large arrays, what interrupts there are."""
    bits = {255: 8, 32: 1, 64: 2, 988: 64}.get(register.count, IRQS)
    size = min(register.size * register.count, IRQS * bits // 8)
    return [base + register.offset + at for at in range(0, size, 4)]


GICD = [places(register, DIST) for register in Distributor.registers]
GICR = [
    places(register, REDIST + n * FRAMES)
    for n in range(CPUS)
    for register in Redistributor.registers
]


def of(registers: list[list[int]]) -> st.SearchStrategy[int]:
    """Each register as often as any other, however large its array."""
    return st.sampled_from(registers).flatmap(st.sampled_from)


READ = ("IAR0", "IAR1", "HPPIR0", "HPPIR1", "RPR", "CTLR", "BPR0", "BPR1", "PMR", "IGRPEN1")
WRITE = ("EOIR0", "EOIR1", "DIR", "BPR0", "BPR1", "CTLR", "AP0R0", "AP1R0", "IGRPEN0", "IGRPEN1")
SGI = ("SGI0R", "SGI1R")
TIMERS = [f"CNT{which}_{name}_EL0" for which in "VP" for name in ("CTL", "CVAL", "TVAL")]
PMU = ["PMCNTENSET_EL0", "PMINTENSET_EL1", "PMOVSSET_EL0", "PMOVSCLR_EL0", "PMCNTENCLR_EL0"]


def icc(names: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.sampled_from([f"ICC_{name}_EL1" for name in names])


accesses = st.one_of(
    st.builds(Access, st.just("store"), cpus, of(GICD), words),
    st.builds(Access, st.just("store"), cpus, of(GICR), words),
    st.builds(Access, st.just("load"), cpus, of(GICD + GICR)),
    st.builds(Access, st.just("mrs"), cpus, st.just("ICC_IAR1_EL1")),
    st.builds(Access, st.just("mrs"), cpus, icc(READ)),
    st.builds(Access, st.just("msr"), cpus, icc(WRITE), st.integers(0, 100)),
    st.builds(Access, st.just("msr"), cpus, st.just("ICC_PMR_EL1"), st.sampled_from([0xF0, 0x80])),
    st.builds(Access, st.just("msr"), cpus, st.just("ICC_IGRPEN1_EL1"), st.just(1)),
    st.builds(
        Access,
        st.just("msr"),
        cpus,
        icc(SGI),
        st.builds(
            lambda intid, targets: intid << 24 | targets, st.integers(0, 15), st.integers(0, 7)
        ),
    ),
    st.builds(Access, st.just("msr"), cpus, st.sampled_from(TIMERS), st.integers(0, 300)),
    st.builds(Access, st.just("mrs"), cpus, st.sampled_from(TIMERS)),
    st.builds(Access, st.just("msr"), cpus, st.sampled_from(PMU), st.just(1 << 31)),
    st.builds(Access, st.just("msr"), cpus, st.just("PMCR_EL0"), st.sampled_from([0, 1, 65])),
    st.builds(Access, st.just("mrs"), cpus, st.sampled_from(["PMCCNTR_EL0", "PMOVSSET_EL0"])),
    st.builds(Access, st.just("spi"), cpus, st.integers(32, IRQS - 1), st.integers(0, 1)),
    st.builds(Access, st.just("wait"), cpus, st.integers(0, 100)),
)


VIEW = [
    *(Access("load", 0, at) for register in (*GICD, *GICR) for at in register),
    *(
        Access("mrs", n, name)
        for n in range(CPUS)
        for name in (
            *(f"ICC_{name}_EL1" for name in (*READ[2:], "IGRPEN0", "AP0R0", "AP1R0")),
            *TIMERS,
            *PMU,
            "PMCR_EL0",
            "PMCCNTR_EL0",
            "PMCCFILTR_EL0",
            "PMSELR_EL0",
            "PMUSERENR_EL0",
            "CNTKCTL_EL1",
        )
    ),
]
"""Everything that a guest can look at without changing it."""


def up(host: Wired) -> None:
    """What a driver does first, so that what follows has an effect."""
    host.gic.distributor.write(0, 4, 0b11)
    for n, cpu in enumerate(host.gic.cpus):
        cpu.redistributor.write(0x14, 4, 0)
        cpu.redistributor.write(0x1_0100, 4, 1 << 27 | 1 << 23)
        cpu.msr("ICC_PMR_EL1", 0xF0)
        cpu.msr("ICC_IGRPEN1_EL1", 1)
        host.gic.distributor.write(0x104 + 4 * (n % 2), 4, 0xFFFF_FFFF)


def seen(host: Wired) -> list[tuple[bool, bool, bool]]:
    """The wires of every CPU."""
    return [
        (cpu.irq.level, cpu.fiq.level, vcpu.irq.level)
        for cpu, vcpu in zip(host.gic.cpus, host.vm.vcpus.values(), strict=True)
    ]


@settings(max_examples=120, deadline=None)
@given(st.lists(accesses, min_size=40, max_size=80), st.lists(accesses, max_size=40))
def test_a_vm_that_was_loaded_goes_on_as_the_one_that_was_saved(
    before: list[Access],
    after: list[Access],
) -> None:
    one, other = Wired(), Wired()
    up(one)
    for access in before:
        access.do(one)
    state = save_vm(one.vm)
    other.clock.advance_to(one.clock.now)
    load_vm(other.vm, state)
    assert save_vm(other.vm) == state == save_vm(one.vm), "saving changes nothing"
    assert seen(other) == seen(one)
    assert [access.do(other) for access in VIEW] == [access.do(one) for access in VIEW]
    for access in after:
        assert access.do(other) == access.do(one), access
        assert seen(other) == seen(one), access
    for host in (one, other):
        host.close()


@pytest.fixture
def host() -> Wired:
    return Wired()


def test_a_load_replaces_what_was_there(host: Wired) -> None:
    fresh = save_vm(host.vm)
    for n in (0, 1):
        host.gic.distributor.write(0x104, 4, 0xF)
        host.gic.distributor.write(0x304, 4, 0xF)
        host.gic.cpus[n].redistributor.write(0x1_0100, 4, 0xFFFF_FFFF)
        host.vm.vcpus[n].msr("ICC_PMR_EL1", 0xF0)
        host.vm.vcpus[n].x0 = 7
    host.gic.cpus[1].redistributor.write(0x1_0180, 4, 1)
    assert save_vm(host.vm) != fresh
    load_vm(host.vm, fresh)
    assert save_vm(host.vm) == fresh
    host.close()


def test_power_states_are_saved(host: Wired) -> None:
    host.vm.vcpus[1].set_mp_state(MpState.RUNNABLE)
    state = save_vm(host.vm)
    assert [vcpu.mp_state for vcpu in state.vcpus.values()] == [5, 0, 5]
    other = Wired()
    load_vm(other.vm, state)
    assert other.vm.vcpus[1].mp_state is MpState.RUNNABLE
    for each in (host, other):
        each.close()


def test_the_mpidr_that_user_space_chose_has_to_be_chosen_again(host: Wired) -> None:
    state = save_vm(host.vm)
    saved = state.vcpus[1]
    moved = replace(saved, registers={**saved.registers, "MPIDR_EL1": 0x8000_0700})
    with refused("EBUSY", "KVM_SET_ONE_REG"):
        load_vm(host.vm, replace(state, vcpus={**state.vcpus, 1: moved}))
    host.close()


def test_the_state_of_another_kind_of_cpu_is_refused(host: Wired) -> None:
    state = save_vm(host.vm)
    saved = state.vcpus[0]
    alien = replace(saved, registers={**saved.registers, "MIDR_EL1": 0x4100_0000})
    with refused("EINVAL", "KVM_SET_ONE_REG"):
        load_vm(host.vm, replace(state, vcpus={0: alien}))
    host.close()


def test_a_vcpu_that_there_is_not_is_found_before_anything_is_loaded(host: Wired) -> None:
    state = save_vm(host.vm)
    host.gic.distributor.write(0x104, 4, 0xF)
    with pytest.raises(KeyError):
        load_vm(host.vm, replace(state, vcpus={**state.vcpus, 9: state.vcpus[0]}))
    assert host.gic.distributor.read(0x104, 4) == 0xF
    host.close()


def test_nothing_is_saved_while_a_vcpu_executes(host: Wired) -> None:
    class Saver(Code):
        def run(self) -> None:
            with refused("EBUSY"):
                save_vm(host.vm)

    vcpu = host.vm.vcpus[0]
    vcpu.engine = Saver()
    vcpu.set_mp_state(MpState.RUNNABLE)
    vcpu.run()
    host.close()


# The list is whole


def test_every_register_of_a_vcpu_but_time_is_in_the_list() -> None:
    assert set(VCPU) | COUNTERS == {register.name for register in ONE_REGS.values()}


@pytest.mark.parametrize("frame", [Distributor, Redistributor])
def test_every_register_that_keeps_something_is_in_the_list(
    frame: type[Distributor | Redistributor],
) -> None:
    group = Group.DIST_REGS if frame is Distributor else Group.REDIST_REGS
    declared = DISTRIBUTOR if frame is Distributor else PER_CPU
    ours = [each for each in declared if each.group == group]
    saved = {each.attr + place for each in ours for place in each.places(IRQS // 32)}
    saved |= {each.clear for each in declared if each.clear is not None}
    derived = {"GICD_TYPER", "GICR_TYPER", "GICD_ICPENDR", "GICR_ICPENDR0"}
    for register in frame.registers:
        constant = register.ro == (1 << 8 * register.size) - 1
        if constant or register.name in derived:
            continue
        assert saved & set(range(register.offset, register.end, 4)), register.name


def test_every_interface_register_with_a_place_of_its_own_is_in_the_list() -> None:
    names = [each.name for each in CPU_INTERFACE]
    assert len(set(names)) == len(names) == 9
