"""The attributes of the vGICv3 device by number: groups, addresses, control, registers.

Documentation/virt/kvm/devices/arm-vgic-v3.rst, arch/arm64/include/uapi/asm/kvm.h. One table for
each direction; what is in none is ENXIO. Registers are addressed by MPIDR affinity and offset, or
instruction; `machine.kvm.vgic_regs` has what is behind.
"""

from __future__ import annotations

import errno
from enum import IntEnum
from typing import TYPE_CHECKING

from machine.kvm import vgic_regs
from machine.kvm.errors import KvmError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from machine.gicv3.gic import GicCpu
    from machine.kvm.vgic import Vgic
    from machine.kvm.vm import Vm


class Group(IntEnum):
    """KVM_DEV_ARM_VGIC_GRP_*."""

    ADDR = 0
    DIST_REGS = 1
    NR_IRQS = 3
    CTRL = 4
    REDIST_REGS = 5
    CPU_SYSREGS = 6
    LEVEL_INFO = 7


class Addr(IntEnum):
    """KVM_VGIC_V3_ADDR_TYPE_*."""

    DIST = 2
    REDIST = 3
    REDIST_REGION = 5


class Ctrl(IntEnum):
    """KVM_DEV_ARM_VGIC_CTRL_INIT, KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES."""

    INIT = 0
    SAVE_PENDING_TABLES = 3


UNDEFINED = (1 << 64) - 1
"""What an address reads as that was not set."""
REGISTERS = frozenset(
    {Group.DIST_REGS, Group.REDIST_REGS, Group.CPU_SYSREGS, Group.LEVEL_INFO},
)

OFFSET = 0xFFFF_FFFF
INSTRUCTION = 0xFFFF
LINE_LEVEL_INTID = 0x3FF
"""The low bits of an attribute: an offset, an encoding, the first of 32 interrupts."""


def put(vm: Vm, vgic: Vgic, group: int, attr: int, value: int) -> None:
    """KVM_SET_DEVICE_ATTR.

    Raises:
        KvmError: ENXIO for what there is not, EINVAL for an MPIDR that no vCPU has, EBUSY for a
            register before CTRL_INIT or while a vCPU executes; and what the attribute says.
    """
    if group in REGISTERS:
        _put_register(vm, vgic, Group(group), attr, value)
        return
    act = _PUT.get((group, attr)) or _PUT.get((group, None))
    if act is None:
        raise KvmError(errno.ENXIO, "KVM_SET_DEVICE_ATTR")
    act(vgic, value)


def get(vm: Vm, vgic: Vgic, group: int, attr: int, value: int) -> int:
    """KVM_GET_DEVICE_ATTR; `value` is what the buffer holds before, which names a region.

    Raises:
        KvmError: as `put`, and ENOENT for a region that there is not.
    """
    if group in REGISTERS:
        return _get_register(vm, vgic, Group(group), attr)
    answer = _GET.get((group, attr)) or _GET.get((group, None))
    if answer is None:
        raise KvmError(errno.ENXIO, "KVM_GET_DEVICE_ATTR")
    return answer(vgic, value)


def has(vm: Vm, group: int, attr: int) -> bool:
    """KVM_HAS_DEVICE_ATTR: False where that ioctl gives ENXIO.

    Raises:
        KvmError: EINVAL for an MPIDR that no vCPU has.
    """
    if group not in REGISTERS:
        return (group, attr) in _PUT or (group, None) in _PUT
    if group == Group.LEVEL_INFO:
        return not attr & OFFSET & ~LINE_LEVEL_INTID
    _check_mpidr(vm, Group(group), attr, "KVM_HAS_DEVICE_ATTR")
    if group == Group.CPU_SYSREGS:
        return vgic_regs.has_cpu(attr & INSTRUCTION)
    frame = vgic_regs.DISTRIBUTOR if group == Group.DIST_REGS else vgic_regs.REDISTRIBUTOR
    return frame.register_at(attr & OFFSET) is not None


# What is no register


def _init(vgic: Vgic, _value: int) -> None:
    vgic.init()


def _save_pending_tables(vgic: Vgic, _value: int) -> None:
    """There are no LPIs, and so none that is pending."""
    vgic.check_idle("KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES")
    if not vgic.initialized:
        raise KvmError(errno.ENXIO, "KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES")


def _get_dist(vgic: Vgic, _value: int) -> int:
    return UNDEFINED if vgic.dist_base is None else vgic.dist_base


def _get_redist(vgic: Vgic, _value: int) -> int:
    return vgic.regions[0].base if vgic.regions else UNDEFINED


def _get_region(vgic: Vgic, value: int) -> int:
    index = value & 0xFFF
    if index >= len(vgic.regions):
        raise KvmError(errno.ENOENT, "KVM_DEV_ARM_VGIC_GRP_ADDR")
    return vgic.regions[index].encode()


def _get_nr_irqs(vgic: Vgic, _value: int) -> int:
    return vgic.irqs or vgic_regs.PRIVATE


_Key = tuple[int, int | None]
"""A group, and an attribute or None for any."""

_PUT: Mapping[_Key, Callable[[Vgic, int], None]] = {
    (Group.ADDR, Addr.DIST): lambda vgic, value: vgic.set_dist_address(value),
    (Group.ADDR, Addr.REDIST): lambda vgic, value: vgic.set_redist_address(value),
    (Group.ADDR, Addr.REDIST_REGION): lambda vgic, value: vgic.add_redist_region(value),
    (Group.NR_IRQS, None): lambda vgic, value: vgic.set_nr_irqs(value),
    (Group.CTRL, Ctrl.INIT): _init,
    (Group.CTRL, Ctrl.SAVE_PENDING_TABLES): _save_pending_tables,
}

_GET: Mapping[_Key, Callable[[Vgic, int], int]] = {
    (Group.ADDR, Addr.DIST): _get_dist,
    (Group.ADDR, Addr.REDIST): _get_redist,
    (Group.ADDR, Addr.REDIST_REGION): _get_region,
    (Group.NR_IRQS, None): _get_nr_irqs,
}


# Registers


def _check_mpidr(vm: Vm, group: Group, attr: int, ioctl: str) -> None:
    """The distributor's are nobody's in particular, but there has to be a vCPU."""
    known = vm.vcpus if group == Group.DIST_REGS else vm.by_affinity(attr >> 32)
    if not known:
        raise KvmError(errno.EINVAL, ioctl)


def _target(vm: Vm, vgic: Vgic, group: Group, attr: int, ioctl: str) -> GicCpu:
    """The CPU that an attribute names; any for the distributor."""
    _check_mpidr(vm, group, attr, ioctl)
    vgic.check_idle(ioctl)
    if vgic.gic is None:
        raise KvmError(errno.EBUSY, ioctl)
    vcpu = vm.by_affinity(attr >> 32) if group != Group.DIST_REGS else None
    return vm.gic_cpu(vcpu) if vcpu is not None else vgic.gic.cpus[0]


def _bank(attr: int, ioctl: str) -> int:
    """Which 32 interrupts LEVEL_INFO is about; the only info is the line's level."""
    if attr & OFFSET & ~LINE_LEVEL_INTID or attr % 32:
        raise KvmError(errno.EINVAL, ioctl)
    return (attr & LINE_LEVEL_INTID) // 32


def _put_register(vm: Vm, vgic: Vgic, group: Group, attr: int, value: int) -> None:
    cpu = _target(vm, vgic, group, attr, "KVM_SET_DEVICE_ATTR")
    if group == Group.CPU_SYSREGS:
        vgic_regs.put_cpu(cpu, attr & INSTRUCTION, value)
    elif group == Group.LEVEL_INFO:
        vgic_regs.put_lines(cpu, _bank(attr, "KVM_SET_DEVICE_ATTR"), value)
    else:
        vgic_regs.put_frame(_frame(cpu, group), attr & OFFSET, value & 0xFFFF_FFFF)


def _get_register(vm: Vm, vgic: Vgic, group: Group, attr: int) -> int:
    cpu = _target(vm, vgic, group, attr, "KVM_GET_DEVICE_ATTR")
    if group == Group.CPU_SYSREGS:
        return vgic_regs.get_cpu(cpu, attr & INSTRUCTION)
    if group == Group.LEVEL_INFO:
        return vgic_regs.get_lines(cpu, _bank(attr, "KVM_GET_DEVICE_ATTR"))
    return vgic_regs.get_frame(_frame(cpu, group), attr & OFFSET)


def _frame(cpu: GicCpu, group: Group) -> vgic_regs.Frame:
    return cpu.distributor if group == Group.DIST_REGS else cpu.redistributor
