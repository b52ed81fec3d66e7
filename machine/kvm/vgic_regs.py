"""The vGIC's registers as user space sees them, which saves and restores by them.

arm-vgic-v3.rst: an access is what the guest's would be, but for a few registers whose guest's view
hides state. ISPENDR is the latch without the lines, ICPENDR is RAZ/WI, and ICC_BPR1_EL1 is group
1's own binary point even while ICC_CTLR_EL1.CBPR covers it.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from machine.gicv3.bank import SGIS
from machine.gicv3.distributor import Distributor
from machine.gicv3.redistributor import Redistributor
from machine.kvm.errors import KvmError
from machine.kvm.sysreg import encoding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from machine.gicv3.gic import GicCpu

DISTRIBUTOR, REDISTRIBUTOR = Distributor, Redistributor
Frame = Distributor | Redistributor

GET, SET = "KVM_GET_DEVICE_ATTR", "KVM_SET_DEVICE_ATTR"
PRIVATE = 32
"""How many interrupts are a CPU's own."""

LATCH = frozenset({"GICD_ISPENDR", "GICR_ISPENDR0"})
WITHOUT_EFFECT = frozenset({"GICD_ICPENDR", "GICR_ICPENDR0"})
AS_IT_IS = frozenset({"GICD_IIDR", "GICD_TYPER2"})
"""What may be written with the value that it has, and with no other."""

ICC: Mapping[int, str] = {
    encoding(3, 0, *fields): name
    for name, fields in {
        "ICC_PMR_EL1": (4, 6, 0),
        "ICC_BPR0_EL1": (12, 8, 3),
        **{f"ICC_AP0R{n}_EL1": (12, 8, 4 + n) for n in range(4)},
        **{f"ICC_AP1R{n}_EL1": (12, 9, n) for n in range(4)},
        "ICC_BPR1_EL1": (12, 12, 3),
        "ICC_CTLR_EL1": (12, 12, 4),
        "ICC_SRE_EL1": (12, 12, 5),
        "ICC_IGRPEN0_EL1": (12, 12, 6),
        "ICC_IGRPEN1_EL1": (12, 12, 7),
    }.items()
}
"""The system registers of CPU_SYSREGS by op0, op1, CRn, CRm and op2."""

NOT_IMPLEMENTED = frozenset({f"ICC_AP{group}R{n}_EL1" for group in (0, 1) for n in (1, 2, 3)})
"""Known, but five priority bits have no use for them."""

CTLR_FIXED = 0b111 << 11 | 1 << 14 | 1 << 15
"""ICC_CTLR_EL1.IDbits, SEIS and A3V: a value that promises more than there is is refused."""
CTLR_PRIBITS = 0b111 << 8
SRE = 1


# GICD, GICR


def get_frame(frame: Frame, offset: int) -> int:
    """Read 32 bits of a frame.

    Raises:
        KvmError: ENXIO where there is no register.
    """
    found = frame.register_at(offset)
    if found is None:
        raise KvmError(errno.ENXIO, GET)
    register, n = found
    if register.name in LATCH:
        return frame.read_latch(n)
    if register.name in WITHOUT_EFFECT:
        return 0
    return frame.read(offset, 4)


def put_frame(frame: Frame, offset: int, value: int) -> None:
    """Write 32 bits of a frame.

    Raises:
        KvmError: ENXIO where there is no register, EINVAL for another value than the one that a
            register has which identifies the implementation.
    """
    found = frame.register_at(offset)
    if found is None:
        raise KvmError(errno.ENXIO, SET)
    register, n = found
    if register.name in AS_IT_IS and value != frame.read(offset, 4):
        raise KvmError(errno.EINVAL, SET)
    if register.name in LATCH:
        frame.note_use()
        frame.write_latch(n, value)
    elif register.name not in WITHOUT_EFFECT:
        frame.write(offset, 4, value)


# ICC_*


def has_cpu(instruction: int) -> bool:
    """Whether the encoding is that of a register of the CPU interface."""
    return instruction in ICC


def _icc(instruction: int, ioctl: str) -> str:
    name = ICC.get(instruction)
    if name is None:
        raise KvmError(errno.ENXIO, ioctl)
    if name in NOT_IMPLEMENTED:
        raise KvmError(errno.EINVAL, ioctl)
    return name


def get_cpu(cpu: GicCpu, instruction: int) -> int:
    """Read a register of a CPU interface.

    Raises:
        KvmError: ENXIO for an encoding that is none of them, EINVAL for one without use here.
    """
    name = _icc(instruction, GET)
    return cpu.bpr[1] if name == "ICC_BPR1_EL1" else cpu.mrs(name)


def put_cpu(cpu: GicCpu, instruction: int, value: int) -> None:
    """Write a register of a CPU interface.

    Raises:
        KvmError: as `get_cpu`, and EINVAL for a value that this interface can't have.
    """
    name = _icc(instruction, SET)
    cpu.redistributor.note_use()
    if name == "ICC_BPR1_EL1":
        cpu.set_binary_point(1, value & 7)
        cpu.update()
        return
    if not _possible(cpu, name, value):
        raise KvmError(errno.EINVAL, SET)
    cpu.msr(name, value)


def _possible(cpu: GicCpu, name: str, value: int) -> bool:
    if name == "ICC_SRE_EL1":
        return bool(value & SRE)
    if name != "ICC_CTLR_EL1":
        return True
    present = cpu.mrs(name)
    more = value & CTLR_PRIBITS > present & CTLR_PRIBITS
    return not more and value & CTLR_FIXED == present & CTLR_FIXED


# LEVEL_INFO


def get_lines(cpu: GicCpu, n: int) -> int:
    """The levels of the input lines of 32 interrupts; SGIs have none."""
    return cpu.distributor.read_lines(n) if n else cpu.redistributor.read_lines(0) & ~SGIS


def put_lines(cpu: GicCpu, n: int, value: int) -> None:
    """Set them, without anything being latched by it."""
    if n:
        cpu.distributor.write_lines(n, value)
    else:
        cpu.redistributor.note_use()
        cpu.redistributor.write_lines(0, value & ~SGIS)
