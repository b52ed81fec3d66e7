"""PSCI calls as Linux makes them (drivers/firmware/psci; DEN0022F §5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine.guest.platform import Platform

VERSION = 0x8400_0000
CPU_OFF = 0x8400_0002
CPU_ON = 0xC400_0003
AFFINITY_INFO = 0xC400_0004
MIGRATE_INFO_TYPE = 0x8400_0006
SYSTEM_OFF = 0x8400_0008
SYSTEM_RESET = 0x8400_0009
FEATURES = 0x8400_000A
SYSTEM_SUSPEND = 0xC400_000E
SMCCC_VERSION = 0x8000_0000
TOS_NOT_PRESENT = 2

SUCCESS = 0
NOT_SUPPORTED = -1
INVALID_PARAMETERS = -2
DENIED = -3
INVALID_ADDRESS = -9
AFFINITY_LEVEL_OFF = 1


EPERM, EINVAL, EOPNOTSUPP = 1, 22, 95
_ERRNO = {
    SUCCESS: 0,
    NOT_SUPPORTED: -EOPNOTSUPP,
    INVALID_PARAMETERS: -EINVAL,
    INVALID_ADDRESS: -EINVAL,
    DENIED: -EPERM,
}


def errno(answer: int) -> int:
    """The negative errno for a result; whatever has none of its own is -EINVAL."""
    return _ERRNO.get(answer, -EINVAL)


def probe(platform: Platform, log: Callable[[str], None]) -> bool:
    """Find out what firmware is, and log what Linux logs; gives whether the system can suspend."""
    major, minor = _version(platform.smccc(VERSION))
    log(f"psci: PSCIv{major}.{minor} detected in firmware.")
    log("psci: Using standard PSCI v0.2 function IDs")
    if platform.smccc(MIGRATE_INFO_TYPE) == TOS_NOT_PRESENT:
        log("psci: Trusted OS migration not required")
    if not has(platform, SMCCC_VERSION):
        return False
    major, minor = _version(platform.smccc(SMCCC_VERSION))
    log(f"psci: SMC Calling Convention v{major}.{minor}")
    return has(platform, SYSTEM_SUSPEND)


def _version(answer: int) -> tuple[int, int]:
    return answer >> 16, answer & 0xFFFF


def cpu_on(platform: Platform, mpidr: int, entry: int, context: int) -> int:
    """Start a CPU at `entry` with `context` in x0; 0, or a negative result."""
    return platform.smccc(CPU_ON, mpidr, entry, context)


def cpu_off(platform: Platform) -> None:
    """Power the calling CPU off; comes back only with an error."""
    platform.smccc(CPU_OFF)


def affinity_info(platform: Platform, mpidr: int) -> int:
    """0 on, 1 off, 2 on its way, or a negative result."""
    return platform.smccc(AFFINITY_INFO, mpidr, 0)


def system_off(platform: Platform) -> None:
    """Power the system off; does not come back."""
    platform.smccc(SYSTEM_OFF)


def system_reset(platform: Platform) -> None:
    """Reset the system; does not come back."""
    platform.smccc(SYSTEM_RESET)


def has(platform: Platform, function: int) -> bool:
    """Whether firmware has a function."""
    return platform.smccc(FEATURES, function) != NOT_SUPPORTED


def system_suspend(platform: Platform, entry: int, context: int) -> int:
    """Suspend the system; if it does, it begins at `entry` with `context` in x0 once woken."""
    return platform.smccc(SYSTEM_SUSPEND, entry, context)
