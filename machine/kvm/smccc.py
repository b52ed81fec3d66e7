"""Function identifiers and results of the SMC calling convention and of PSCI.

DEN0028 (SMCCC 1.1) §2 and §7, DEN0022F (PSCI 1.1) §5. Bit 30 of an identifier tells the 64-bit
form.
"""

from __future__ import annotations

from enum import IntEnum

SMC64 = 0x4000_0000
MASK32 = 0xFFFF_FFFF

ARCH_CALLS = (range(0x8000_0000, 0x8001_0000), range(0xC000_0000, 0xC001_0000))
"""The identifiers of the architecture's own fast calls, 32- and 64-bit (DEN0028 §6)."""


class Function(IntEnum):
    """The calls of the architecture, of its workarounds and of PSCI 1.1, in their 32-bit form."""

    SMCCC_VERSION = 0x8000_0000
    SMCCC_ARCH_FEATURES = 0x8000_0001
    SMCCC_ARCH_WORKAROUND_3 = 0x8000_3FFF
    SMCCC_ARCH_WORKAROUND_2 = 0x8000_7FFF
    SMCCC_ARCH_WORKAROUND_1 = 0x8000_8000
    PSCI_VERSION = 0x8400_0000
    CPU_SUSPEND = 0x8400_0001
    CPU_OFF = 0x8400_0002
    CPU_ON = 0x8400_0003
    AFFINITY_INFO = 0x8400_0004
    MIGRATE = 0x8400_0005
    MIGRATE_INFO_TYPE = 0x8400_0006
    MIGRATE_INFO_UP_CPU = 0x8400_0007
    SYSTEM_OFF = 0x8400_0008
    SYSTEM_RESET = 0x8400_0009
    PSCI_FEATURES = 0x8400_000A
    CPU_FREEZE = 0x8400_000B
    CPU_DEFAULT_SUSPEND = 0x8400_000C
    NODE_HW_STATE = 0x8400_000D
    SYSTEM_SUSPEND = 0x8400_000E
    PSCI_SET_SUSPEND_MODE = 0x8400_000F
    PSCI_STAT_RESIDENCY = 0x8400_0010
    PSCI_STAT_COUNT = 0x8400_0011
    SYSTEM_RESET2 = 0x8400_0012
    MEM_PROTECT = 0x8400_0013
    MEM_PROTECT_CHECK_RANGE = 0x8400_0014


def name_of(function: int) -> str:
    """What a call is called, of whatever width; one that is unknown by its number."""
    short = function & ~SMC64
    return Function(short).name if short in _FUNCTIONS else f"{function:#x}"


_FUNCTIONS = frozenset(Function)
CPU_ON_64 = Function.CPU_ON | SMC64


class Result(IntEnum):
    """What PSCI calls return (DEN0022F §5.2.2)."""

    SUCCESS = 0
    NOT_SUPPORTED = -1
    INVALID_PARAMETERS = -2
    DENIED = -3
    ALREADY_ON = -4
    ON_PENDING = -5
    INTERNAL_FAILURE = -6
    NOT_PRESENT = -7
    DISABLED = -8
    INVALID_ADDRESS = -9


class ArchFeature(IntEnum):
    """What SMCCC_ARCH_FEATURES says of a workaround (DEN0028 §7)."""

    REQUIRED = 0
    UNAFFECTED = 1
    NOT_SUPPORTED = -1
    NOT_REQUIRED = -2


AFFINITY_ON = 0
AFFINITY_OFF = 1
AFFINITY_ON_PENDING = 2
"""What AFFINITY_INFO says (DEN0022F §5.7)."""

PSCI_1_1 = 0x1_0001
SMCCC_1_1 = 0x1_0001
TOS_NOT_PRESENT = 2
"""MIGRATE_INFO_TYPE: no Trusted OS, or one that needs no migration (DEN0022F §5.9)."""

CPU_SUSPEND_FEATURES = 0
"""PSCI_FEATURES of CPU_SUSPEND: power_state has its original format, and the platform coordinates
(DEN0022F, PSCI_FEATURES)."""

AFFINITY_FIELDS = 0xFF_00FF_FFFF
"""Aff3, Aff2, Aff1 and Aff0 of MPIDR_EL1; the other bits of a target have to be 0."""

WARM_RESET = 0
VENDOR_RESETS = 0x8000_0000
"""SYSTEM_RESET2: the architecture's one type, and from where the vendor's begin."""


def arguments(function: int, args: tuple[int, ...]) -> tuple[int, int, int]:
    """x1 to x3 of a call: what was not given is 0, and of a 32-bit call the upper halves are."""
    first, second, third = (*args, 0, 0, 0)[:3]
    if function & SMC64:
        return first, second, third
    return first & MASK32, second & MASK32, third & MASK32
