"""The registers of a vCPU that user space reads and writes: KVM_GET_ONE_REG, KVM_SET_ONE_REG.

Documentation/virt/kvm/api.rst §4.68, arch/arm64/include/uapi/asm/kvm.h. An id says architecture,
size, and then a core register by its place in `struct kvm_regs`, a system register by its
encoding, or a register of firmware. What is here is one table; saved state is what it lists.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from machine.kvm.errors import KvmError
from machine.kvm.smccc import PSCI_1_1
from machine.kvm.sysreg import (
    ENCODINGS,
    INVARIANT,
    read_system_register,
    write_system_register,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from machine.kvm.vcpu import Vcpu

ARM64_U64 = 0x6030_0000_0000_0000
"""KVM_REG_ARM64 and KVM_REG_SIZE_U64."""
ARCHITECTURE = 0xFFFF_FFFF_0000_0000
CORE, SYSREG, FIRMWARE = (ARM64_U64 | group << 16 for group in (0x10, 0x13, 0x14))

MASK64 = (1 << 64) - 1


def core(n: int) -> int:
    """The id of a core register: x0 to x30, sp, pc, pstate are numbers 0 to 33."""
    return CORE | 2 * n  # places are counted in words of 32 bits


def sysreg(encoding: int) -> int:
    """The id of a system register; op0, op1, CRn, CRm and op2 as in the instruction."""
    return SYSREG | encoding


def firmware(n: int) -> int:
    """The id of a firmware pseudo-register."""
    return FIRMWARE | n


@dataclass(frozen=True, slots=True)
class OneReg:
    """One register.

    Attributes:
        name: the architecture's, or the kernel's where it has none.
        get: its value.
        put: how it is written; None where only the value that it has can be.
        of_pmu: whether only a vCPU with performance monitors has it.
    """

    name: str
    get: Callable[[Vcpu], int]
    put: Callable[[Vcpu, int], None] | None = None
    of_pmu: bool = False


def _remembered(name: str, reset: int = 0) -> OneReg:
    """One that the modelled guest does not have, and that an engine may."""

    def get(vcpu: Vcpu) -> int:
        return (vcpu.remembered or {}).get(name, reset)

    def put(vcpu: Vcpu, value: int) -> None:
        vcpu.remembered = {**(vcpu.remembered or {}), name: value}

    return OneReg(name, get, put)


def _attribute(name: str) -> OneReg:
    def put(vcpu: Vcpu, value: int) -> None:
        setattr(vcpu, name, value)

    return OneReg(name, lambda vcpu: int(getattr(vcpu, name)), put)


def _system(name: str) -> OneReg:
    """One that is written as its own code writes it, or, where it sets and clears, as a whole."""
    put: Callable[[Vcpu, int], None] | None = partial(_write, name)
    if name in INVARIANT:
        put = None
    elif name == "MPIDR_EL1":
        put = _put_mpidr
    elif "SET_" in name:
        put = partial(_replace, name)
    of_pmu = name.startswith("PM")
    return OneReg(name, lambda vcpu: read_system_register(vcpu, name), put, of_pmu=of_pmu)


def _write(name: str, vcpu: Vcpu, value: int) -> None:
    write_system_register(vcpu, name, value)


def _replace(name: str, vcpu: Vcpu, value: int) -> None:
    write_system_register(vcpu, name.replace("SET_", "CLR_"), MASK64)
    write_system_register(vcpu, name, value)


def _put_mpidr(vcpu: Vcpu, value: int) -> None:
    vcpu.set_mpidr(value)


def _declared() -> Iterator[tuple[int, OneReg]]:
    yield core(0), _attribute("x0")
    for n in range(1, 31):
        yield core(n), _remembered(f"x{n}")
    yield core(31), _remembered("sp")
    yield core(32), _attribute("pc")
    yield core(33), _attribute("pstate")
    yield firmware(0), OneReg("KVM_REG_ARM_PSCI_VERSION", lambda _vcpu: PSCI_1_1)
    for name, encoding in ENCODINGS.items():
        yield sysreg(encoding), _system(name)


ONE_REGS: Mapping[int, OneReg] = MappingProxyType(dict(_declared()))
"""By id, in the order in which saved state is loaded."""


def _find(vcpu: Vcpu, reg_id: int, ioctl: str) -> OneReg:
    if vcpu.features is None:
        raise KvmError(errno.ENOEXEC, ioctl)
    if (reg_id ^ ARM64_U64) & ARCHITECTURE:
        raise KvmError(errno.EINVAL, ioctl)
    register = ONE_REGS.get(reg_id)
    if register is None or not _has(vcpu, register):
        raise KvmError(errno.ENOENT, ioctl)
    return register


def _has(vcpu: Vcpu, register: OneReg) -> bool:
    return vcpu.has_pmu or not register.of_pmu


def get(vcpu: Vcpu, reg_id: int) -> int:
    """KVM_GET_ONE_REG.

    Raises:
        KvmError: ENOEXEC before KVM_ARM_VCPU_INIT, EINVAL for an id of another architecture or
            size, ENOENT for a register that there is not.
    """
    return _find(vcpu, reg_id, "KVM_GET_ONE_REG").get(vcpu)


def put(vcpu: Vcpu, reg_id: int, value: int) -> None:
    """KVM_SET_ONE_REG.

    Raises:
        KvmError: as `get`, and EINVAL for another value than the one that a register always has;
            for MPIDR_EL1 what `Vcpu.set_mpidr` raises.
    """
    register = _find(vcpu, reg_id, "KVM_SET_ONE_REG")
    value &= MASK64
    if register.put is not None:
        register.put(vcpu, value)
    elif register.get(vcpu) != value:
        raise KvmError(errno.EINVAL, "KVM_SET_ONE_REG")


def get_list(vcpu: Vcpu, room: int) -> list[int]:
    """KVM_GET_REG_LIST: the ids that `get` and `put` know for this vCPU.

    Raises:
        KvmError: ENOEXEC before KVM_ARM_VCPU_INIT, E2BIG for more ids than there is room for.
    """
    if vcpu.features is None:
        raise KvmError(errno.ENOEXEC, "KVM_GET_REG_LIST")
    ids = [reg_id for reg_id, register in ONE_REGS.items() if _has(vcpu, register)]
    if len(ids) > room:
        raise KvmError(errno.E2BIG, "KVM_GET_REG_LIST")
    return ids
