"""The CPU interface's system registers: one table to read, one to write (IHI 0069H §12.2).

A name that is missing from a table is UNDEFINED in that direction. ICC_AP0R1_EL1 and its like are
absent: five priority bits need one active priorities register per group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.gicv3.bank import PRIORITY_MASK
from machine.gicv3.sgi import generate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from machine.gicv3.cpu_interface import GicCpu

CTLR_WRITABLE = 0b11
"""ICC_CTLR_EL1.EOImode and .CBPR."""
CTLR_PRIBITS = (5 - 1) << 8
"""PRIbits; IDbits 0 means 16 bits, and SEIS, A3V and PMHE are 0."""
CTLR_RSS = 1 << 18

SRE = 0b111
"""ICC_SRE_EL1: DIB, DFB and SRE are RAO/WI, there is no memory-mapped interface."""

INTID_MASK = 0xFFFFFF
SPURIOUS = 1023


class UnknownRegister(KeyError):  # noqa: N818 - the name that callers know
    """No such system register in this direction."""


def _highest_pending(cpu: GicCpu, group: int) -> int:
    """ICC_HPPIR<n>_EL1: 1023 where the most urgent interrupt is of the other group."""
    pending = cpu.highest_pending()
    return pending[1] if pending is not None and pending[2] == group else SPURIOUS


def _read_ctlr(cpu: GicCpu) -> int:
    rss = CTLR_RSS if cpu.distributor.has_range_selector else 0
    return cpu.control | CTLR_PRIBITS | rss


def _write_ctlr(cpu: GicCpu, value: int) -> None:
    cpu.control = value & CTLR_WRITABLE
    cpu.update()


def _write_pmr(cpu: GicCpu, value: int) -> None:
    cpu.pmr = value & PRIORITY_MASK
    cpu.update()


def _read_bpr1(cpu: GicCpu) -> int:
    """With CBPR, ICC_BPR0_EL1 plus one, at most 7."""
    return min(cpu.bpr[0] + 1, 7) if cpu.control & 1 else cpu.bpr[1]


def _write_bpr(cpu: GicCpu, group: int, value: int) -> None:
    """With CBPR group 1 has no binary point of its own to write."""
    if group and cpu.control & 1:
        return
    cpu.set_binary_point(group, value & 7)
    cpu.update()


def _write_apr(cpu: GicCpu, group: int, value: int) -> None:
    cpu.set_active(group, value & 0xFFFFFFFF)
    cpu.update()


def _write_igrpen(cpu: GicCpu, group: int, value: int) -> None:
    cpu.enable_groups((cpu.groups & ~(1 << group)) | (value & 1) << group)


def _ignore(_cpu: GicCpu, _value: int) -> None:
    """WI."""


READS: Mapping[str, Callable[[GicCpu], int]] = {
    "ICC_PMR_EL1": lambda cpu: cpu.pmr,
    "ICC_IAR0_EL1": lambda cpu: cpu.acknowledge(0),
    "ICC_IAR1_EL1": lambda cpu: cpu.acknowledge(1),
    "ICC_HPPIR0_EL1": lambda cpu: _highest_pending(cpu, 0),
    "ICC_HPPIR1_EL1": lambda cpu: _highest_pending(cpu, 1),
    "ICC_BPR0_EL1": lambda cpu: cpu.bpr[0],
    "ICC_BPR1_EL1": _read_bpr1,
    "ICC_AP0R0_EL1": lambda cpu: cpu.apr[0],
    "ICC_AP1R0_EL1": lambda cpu: cpu.apr[1],
    "ICC_RPR_EL1": lambda cpu: cpu.running_priority(),
    "ICC_CTLR_EL1": _read_ctlr,
    "ICC_SRE_EL1": lambda _cpu: SRE,
    "ICC_IGRPEN0_EL1": lambda cpu: cpu.groups & 1,
    "ICC_IGRPEN1_EL1": lambda cpu: cpu.groups >> 1,
}

WRITES: Mapping[str, Callable[[GicCpu, int], None]] = {
    "ICC_PMR_EL1": _write_pmr,
    "ICC_EOIR0_EL1": lambda cpu, value: cpu.end(0, value & INTID_MASK),
    "ICC_EOIR1_EL1": lambda cpu, value: cpu.end(1, value & INTID_MASK),
    "ICC_DIR_EL1": lambda cpu, value: cpu.deactivate(value & INTID_MASK),
    "ICC_BPR0_EL1": lambda cpu, value: _write_bpr(cpu, 0, value),
    "ICC_BPR1_EL1": lambda cpu, value: _write_bpr(cpu, 1, value),
    "ICC_AP0R0_EL1": lambda cpu, value: _write_apr(cpu, 0, value),
    "ICC_AP1R0_EL1": lambda cpu, value: _write_apr(cpu, 1, value),
    "ICC_SGI0R_EL1": lambda cpu, value: generate(cpu, value, any_group=False),
    "ICC_SGI1R_EL1": lambda cpu, value: generate(cpu, value, any_group=True),
    "ICC_ASGI1R_EL1": lambda cpu, value: generate(cpu, value, any_group=False),
    "ICC_CTLR_EL1": _write_ctlr,
    "ICC_SRE_EL1": _ignore,
    "ICC_IGRPEN0_EL1": lambda cpu, value: _write_igrpen(cpu, 0, value),
    "ICC_IGRPEN1_EL1": lambda cpu, value: _write_igrpen(cpu, 1, value),
}

SYSTEM_REGISTERS = frozenset(READS) | frozenset(WRITES)
"""Every name that `GicCpu.mrs` or `GicCpu.msr` knows."""
