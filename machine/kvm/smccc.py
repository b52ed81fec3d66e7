"""Function identifiers and results of the SMC calling convention and of PSCI.

DEN0028 (SMCCC 1.1) §2, DEN0022F (PSCI 1.1) §5. Bit 30 of an identifier tells the 64-bit form.
"""

from __future__ import annotations

from enum import IntEnum

SMC64 = 0x4000_0000


class Function(IntEnum):
    """The calls that this machine answers, in their 32-bit form."""

    SMCCC_VERSION = 0x8000_0000
    SMCCC_ARCH_FEATURES = 0x8000_0001
    PSCI_VERSION = 0x8400_0000
    CPU_SUSPEND = 0x8400_0001
    CPU_OFF = 0x8400_0002
    CPU_ON = 0x8400_0003
    AFFINITY_INFO = 0x8400_0004
    MIGRATE_INFO_TYPE = 0x8400_0006
    SYSTEM_OFF = 0x8400_0008
    SYSTEM_RESET = 0x8400_0009
    PSCI_FEATURES = 0x8400_000A


CPU_ON_64 = Function.CPU_ON | SMC64

HAS_64_BIT_FORM = frozenset({Function.CPU_SUSPEND, Function.CPU_ON, Function.AFFINITY_INFO})


class Result(IntEnum):
    """What PSCI calls return (DEN0022F §5.2.2)."""

    SUCCESS = 0
    NOT_SUPPORTED = -1
    INVALID_PARAMETERS = -2
    DENIED = -3
    ALREADY_ON = -4
    ON_PENDING = -5
    INTERNAL_FAILURE = -6


AFFINITY_ON = 0
AFFINITY_OFF = 1

PSCI_1_1 = 0x1_0001
SMCCC_1_1 = 0x1_0001
TOS_NOT_PRESENT = 2
"""MIGRATE_INFO_TYPE: no Trusted OS, or one that needs no migration (DEN0022F §5.9)."""
