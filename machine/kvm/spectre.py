"""What SMCCC_ARCH_FEATURES tells of the workarounds that a CPU's speculation needs.

The host is one of the guest's CPU model, with firmware that has the workarounds for it. Which CPUs
need which is Arm's to say (Linux: arch/arm64/kernel/proton-pack.c; DEN0028 §7); what a
guest is told is KVM's (arch/arm64/kvm/hypercalls.c).
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from machine.kvm.smccc import ArchFeature, Function

if TYPE_CHECKING:
    from collections.abc import Mapping


class State(Enum):
    """How a CPU stands towards one variant."""

    UNAFFECTED = "unaffected"
    MITIGATED = "mitigated"
    VULNERABLE = "vulnerable"


class Speculation(NamedTuple):
    """A CPU and the variants: v2 (branch targets), v4 (store bypass), BHB (branch history).

    Attributes:
        v2: needs SMCCC_ARCH_WORKAROUND_1.
        v4: needs SMCCC_ARCH_WORKAROUND_2.
        bhb: needs SMCCC_ARCH_WORKAROUND_3.
        ssbs: has PSTATE.SSBS, by which a guest mitigates v4 by itself.
    """

    v2: State
    v4: State
    bhb: State
    ssbs: bool = False


_SAFE, _CURED, _SICK = State
IN_ORDER = Speculation(_SAFE, _SAFE, _SAFE)
EARLY = Speculation(_CURED, _CURED, _CURED)
CSV2 = Speculation(_SAFE, _CURED, _CURED, ssbs=True)
"""CPUs that say by ID_AA64PFR0_EL1.CSV2 that v2 is none of theirs."""
CSV2_3 = Speculation(_SAFE, _CURED, _SAFE, ssbs=True)
UNKNOWN = Speculation(_SICK, _SICK, _SAFE)

BY_PART: Mapping[int, Speculation] = {
    0x41D03: IN_ORDER,  # Cortex-A53
    0x41D04: IN_ORDER,  # Cortex-A35
    0x41D05: IN_ORDER,  # Cortex-A55
    0x41D07: EARLY,  # Cortex-A57
    0x41D08: EARLY,  # Cortex-A72
    0x41D0B: CSV2,  # Cortex-A76
    0x41D0C: CSV2,  # Neoverse N1
    0x41D40: CSV2,  # Neoverse V1
    0x41D47: CSV2,  # Cortex-A710
    0x41D49: CSV2,  # Neoverse N2
    0x00051: CSV2_3,  # QEMU's max
}
"""By implementer and part number of MIDR_EL1."""

UNAFFECTED = {State.UNAFFECTED: ArchFeature.UNAFFECTED, State.MITIGATED: ArchFeature.REQUIRED}


def arch_feature(midr: int, function: int) -> ArchFeature:
    """What a guest on a CPU is told of a function."""
    part = midr >> 24 << 12 | midr >> 4 & 0xFFF
    cpu = BY_PART.get(part, UNKNOWN)
    if function == Function.SMCCC_ARCH_WORKAROUND_1:
        return UNAFFECTED.get(cpu.v2, ArchFeature.NOT_SUPPORTED)
    if function == Function.SMCCC_ARCH_WORKAROUND_2:
        return _store_bypass(cpu)
    if function == Function.SMCCC_ARCH_WORKAROUND_3:
        return UNAFFECTED.get(cpu.bhb, ArchFeature.NOT_SUPPORTED)
    return ArchFeature.NOT_SUPPORTED


def _store_bypass(cpu: Speculation) -> ArchFeature:
    """KVM keeps its own mitigation on, unless the guest has SSBS to decide for itself."""
    if cpu.v4 is State.VULNERABLE or (cpu.v4 is State.MITIGATED and cpu.ssbs):
        return ArchFeature.NOT_SUPPORTED
    return ArchFeature.NOT_REQUIRED
