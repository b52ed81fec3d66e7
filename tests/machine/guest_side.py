"""What a guest does and tells of a hot-plug, for tests that do it in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine import memmap
from machine.acpi.cpu_hotplug import EJECT, OST_EVENT, OST_STATUS
from machine.events import (
    AcpiDeviceOst,
    DeviceDeleted,
    DeviceUnplugRefused,
)

if TYPE_CHECKING:
    from machine.events import MachineEvent
    from machine.kvm.vcpu import Vcpu
    from tests.machine.board import Board

SELECTOR, FLAGS, COMMAND, DATA = (memmap.CPUHP.base + offset for offset in (0, 4, 5, 8))
GICR_TYPER, GICR_ISPENDR0 = 0x8, 0x1_0200
SGI_7 = 7 << 24
DEVICE_CHECK, EJECT_REQUEST = 1, 3
IN_PROGRESS, BUSY, NOT_SUPPORTED = 0x84, 0x82, 0x80


def inserted(slot: int, device: str | None) -> list[MachineEvent]:
    return [AcpiDeviceOst(slot, device, DEVICE_CHECK, 0)]


def removed(slot: int, device: str) -> list[MachineEvent]:
    return [
        AcpiDeviceOst(slot, device, EJECT_REQUEST, IN_PROGRESS),
        DeviceDeleted(device, f"/machine/peripheral/{device}"),
        AcpiDeviceOst(slot, None, EJECT_REQUEST, 0),
    ]


def refused(slot: int, device: str, status: int) -> list[MachineEvent]:
    return [
        AcpiDeviceOst(slot, device, EJECT_REQUEST, IN_PROGRESS),
        AcpiDeviceOst(slot, device, EJECT_REQUEST, status),
        DeviceUnplugRefused(device, f"/machine/peripheral/{device}"),
    ]


def psci(vcpu: Vcpu, function: int, *args: int) -> int:
    answer = vcpu.hvc(function, *args)
    return answer - (answer >> 63 << 64)


def report(board: Board, slot: int, event: int, status: int) -> None:
    """What a guest's _OST does."""
    vcpu = board.vcpu()
    vcpu.store(SELECTOR, 4, slot)
    vcpu.store(COMMAND, 1, OST_EVENT)
    vcpu.store(DATA, 4, event)
    vcpu.store(COMMAND, 1, OST_STATUS)
    vcpu.store(DATA, 4, status)


def eject(board: Board, slot: int) -> None:
    """What a guest's _EJ0 does."""
    board.vcpu().store(SELECTOR, 4, slot)
    board.vcpu().store(FLAGS, 1, EJECT)
