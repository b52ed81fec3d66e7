"""What a VM's vCPUs and vGIC are, saved and loaded: one list of registers for both directions.

The list names what the kernel's interface shows (see `machine.kvm.vgic_attr` and
`machine.kvm.one_reg`), in the order in which it is to be loaded: what interrupts are comes before
whether they are pending, that before whether they are enabled, and what lets anything through
comes last. Virtual time is the clock's owner's, who sets it first; so is what an engine executes,
and which CPU interfaces are accessible.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from machine.gicv3.bank import ALL
from machine.gicv3.redistributor import SGI_BASE
from machine.kvm.one_reg import ONE_REGS
from machine.kvm.vcpu_events import VcpuEvents, get_vcpu_events, set_vcpu_events
from machine.kvm.vgic_attr import Group
from machine.kvm.vgic_regs import ICC

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from machine.kvm.vcpu import Vcpu
    from machine.kvm.vgic import Vgic
    from machine.kvm.vm import Vm

COUNTERS = frozenset({"CNTVCT_EL0", "CNTPCT_EL0"})
"""Virtual time itself."""


@dataclass(frozen=True, slots=True)
class Saved:
    """An array of 32-bit registers, by the device attributes that reach it.

    Attributes:
        name: the architecture's; unique in its list.
        attr: of element 0: an offset, an instruction, or an INTID.
        group: KVM_DEV_ARM_VGIC_GRP_*.
        per_bank: elements for 32 interrupts; 0 for one register.
        count: of elements, where it is no matter of interrupts.
        step: from one attribute to the next.
        clear: attribute of the register that clears what this one sets.
    """

    name: str
    attr: int
    group: Group = Group.DIST_REGS
    per_bank: int = 0
    count: int = 1
    step: int = 4
    clear: int | None = None

    def places(self, banks: int) -> Iterator[int]:
        """The distance of each element's attribute from that of element 0.

        Args:
            banks: of 32 interrupts; the first belongs to the redistributors.
        """
        first, end = (self.per_bank, self.per_bank * banks) if self.per_bank else (0, self.count)
        return iter(range(first * self.step, end * self.step, self.step))


DISTRIBUTOR: tuple[Saved, ...] = (
    Saved("GICD_IIDR", 0x0008),
    Saved("GICD_IGROUPR", 0x0080, per_bank=1),
    Saved("GICD_ICFGR", 0x0C00, per_bank=2),
    Saved("GICD_IPRIORITYR", 0x0400, per_bank=8),
    Saved("GICD_IROUTER", 0x6000, per_bank=64),
    Saved("SPI levels", 0, Group.LEVEL_INFO, per_bank=1, step=32),
    Saved("GICD_ISPENDR", 0x0200, per_bank=1),
    Saved("GICD_ISACTIVER", 0x0300, per_bank=1, clear=0x0380),
    Saved("GICD_ISENABLER", 0x0100, per_bank=1, clear=0x0180),
    Saved("GICD_CTLR", 0x0000),
)

REDISTRIBUTOR: tuple[Saved, ...] = (
    Saved("GICR_PROPBASER", 0x0070, Group.REDIST_REGS, count=2),
    Saved("GICR_PENDBASER", 0x0078, Group.REDIST_REGS, count=2),
    Saved("GICR_IGROUPR0", SGI_BASE + 0x0080, Group.REDIST_REGS),
    Saved("GICR_ICFGR1", SGI_BASE + 0x0C04, Group.REDIST_REGS),
    Saved("GICR_IPRIORITYR", SGI_BASE + 0x0400, Group.REDIST_REGS, count=8),
    Saved("PPI levels", 0, Group.LEVEL_INFO),
    Saved("GICR_ISPENDR0", SGI_BASE + 0x0200, Group.REDIST_REGS),
    Saved("GICR_ISACTIVER0", SGI_BASE + 0x0300, Group.REDIST_REGS, clear=SGI_BASE + 0x0380),
    Saved("GICR_ISENABLER0", SGI_BASE + 0x0100, Group.REDIST_REGS, clear=SGI_BASE + 0x0180),
)

_INSTRUCTIONS = {name: instruction for instruction, name in ICC.items()}

CPU_INTERFACE: tuple[Saved, ...] = tuple(
    Saved(name, _INSTRUCTIONS[name], Group.CPU_SYSREGS)
    for name in (
        "ICC_SRE_EL1",
        "ICC_BPR0_EL1",
        "ICC_BPR1_EL1",
        "ICC_AP0R0_EL1",
        "ICC_AP1R0_EL1",
        "ICC_CTLR_EL1",
        "ICC_PMR_EL1",
        "ICC_IGRPEN0_EL1",
        "ICC_IGRPEN1_EL1",
    )
)

SLEEP = Saved("GICR_WAKER", 0x0014, Group.REDIST_REGS)
"""Comes last: an interface that is enabled wakes its redistributor."""

PER_CPU = (*REDISTRIBUTOR, *CPU_INTERFACE, SLEEP)

VCPU: Mapping[str, int] = {
    register.name: reg_id for reg_id, register in ONE_REGS.items() if register.name not in COUNTERS
}
"""ONE_REG ids by name; what can't be written is compared when it is loaded."""

Values = dict[str, list[int]]
"""Registers by name, an array as its elements."""


@dataclass(frozen=True, slots=True)
class VcpuState:
    """One vCPU: its MP state by KVM's number, registers, part of the vGIC, and what is pending."""

    mp_state: int
    registers: dict[str, int]
    gic: Values
    events: VcpuEvents


@dataclass(frozen=True, slots=True)
class VmState:
    """A VM: the distributor, and each vCPU by its id."""

    distributor: Values
    vcpus: dict[int, VcpuState]


def save_vm(vm: Vm) -> VmState:
    """Read everything.

    Raises:
        KvmError: EBUSY without an initialised vGIC, and while a vCPU executes.
    """
    vgic = _vgic(vm)
    vcpus = {vcpu.id: _save_vcpu(vgic, vcpu) for vcpu in vm.vcpus.values()}
    return VmState(_save(vgic, DISTRIBUTOR, 0), vcpus)


def load_vm(vm: Vm, state: VmState) -> None:
    """Write everything, to a VM of the same making.

    Raises:
        KvmError: EBUSY as `save_vm`, EINVAL where the VM is another one.
        KeyError: where a vCPU or a register is missing on either side.
    """
    vgic = _vgic(vm)
    vcpus = [(vm.vcpus[vcpu_id], saved) for vcpu_id, saved in state.vcpus.items()]
    _load(vgic, DISTRIBUTOR, 0, state.distributor)
    for vcpu, saved in vcpus:
        _load(vgic, PER_CPU, vcpu.affinity, saved.gic)
        for name, value in saved.registers.items():
            vcpu.set_one_reg(VCPU[name], value)
        vcpu.set_mp_state(saved.mp_state)
        set_vcpu_events(vcpu, saved.events)


def _vgic(vm: Vm) -> Vgic:
    if vm.vgic is None:
        raise AssertionError("a VM without a vGIC")
    return vm.vgic


def _save_vcpu(vgic: Vgic, vcpu: Vcpu) -> VcpuState:
    known = set(vcpu.get_reg_list(len(ONE_REGS)))
    registers = {name: vcpu.get_one_reg(reg_id) for name, reg_id in VCPU.items() if reg_id in known}
    gic = _save(vgic, PER_CPU, vcpu.affinity)
    return VcpuState(vcpu.mp_state.value, registers, gic, get_vcpu_events(vcpu))


def _banks(vgic: Vgic) -> int:
    return vgic.get_attr(Group.NR_IRQS, 0) // 32


def _save(vgic: Vgic, registers: Sequence[Saved], affinity: int) -> Values:
    banks, cpu = _banks(vgic), affinity << 32
    return {
        each.name: [
            vgic.get_attr(each.group, cpu | each.attr + place) for place in each.places(banks)
        ]
        for each in registers
    }


def _load(vgic: Vgic, registers: Sequence[Saved], affinity: int, values: Values) -> None:
    banks, cpu = _banks(vgic), affinity << 32
    for each in registers:
        for place, value in zip(each.places(banks), values[each.name], strict=True):
            if each.clear is not None:
                vgic.set_attr(each.group, cpu | each.clear + place, ALL)
            vgic.set_attr(each.group, cpu | each.attr + place, value)
