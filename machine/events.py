"""What a machine tells the outside: domain events, which the daemon turns into QMP events."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class AcpiDeviceOst:
    """The guest evaluated _OST (ACPI 6.5 §6.3.5); `device` is the user's id, if there is one."""

    slot: int
    device: str | None
    source: int
    status: int


@dataclass(frozen=True, slots=True)
class DeviceDeleted:
    """A device has left the machine for good; its id may be used again."""

    device: str | None
    path: str


@dataclass(frozen=True, slots=True)
class DeviceUnplugRefused:
    """The guest has refused to give a device back, as its _OST before this says; it stays."""

    device: str | None
    path: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """The vCPUs stand still."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """The vCPUs run (again)."""


@dataclass(frozen=True, slots=True)
class Suspended:
    """The guest has suspended the system; the vCPUs stand still."""


@dataclass(frozen=True, slots=True)
class WokenUp:
    """The guest goes on after it has slept."""


@dataclass(frozen=True, slots=True)
class WasReset:
    """The machine was reset, by the guest or from outside."""

    guest: bool
    reason: str


@dataclass(frozen=True, slots=True)
class PowerdownRequested:
    """The power button was pressed."""


@dataclass(frozen=True, slots=True)
class ShutdownRequested:
    """The machine has ended, or is asked to end."""

    guest: bool
    reason: str


@dataclass(frozen=True, slots=True)
class GuestPanicked:
    """The guest has panicked; `action` is what becomes of the machine: pause, poweroff or run."""

    action: str


@dataclass(frozen=True, slots=True)
class GuestCrashLoaded:
    """The guest has panicked, and goes on in a kernel that it keeps for this; likewise."""

    action: str


@dataclass(frozen=True, slots=True)
class GuestPvShutdown:
    """The guest has asked for its end by the panic device."""


@dataclass(frozen=True, slots=True)
class RtcChanged:
    """The guest has set the real time clock: it is now so many seconds off what it was given."""

    offset: int
    path: str


class ErrorSeverity(Enum):
    """What a hardware error meant for the CPU."""

    CORRECTED = "corrected"
    UNCORRECTED = "uncorrected"


@dataclass(frozen=True, slots=True)
class VcpuError:
    """A CPU has had a hardware error."""

    index: int
    device: str | None
    path: str
    severity: ErrorSeverity


@dataclass(frozen=True, slots=True)
class Aborted:
    """The VMM's process aborts: nothing is told to anybody any more."""


@dataclass(frozen=True, slots=True)
class VcpuChanged:
    """Some layer's view of one possible vCPU changed (not a QMP event; `index` is the slot's)."""

    index: int


MachineEvent = (
    AcpiDeviceOst
    | DeviceDeleted
    | DeviceUnplugRefused
    | Stopped
    | Resumed
    | Suspended
    | WokenUp
    | WasReset
    | PowerdownRequested
    | ShutdownRequested
    | GuestPanicked
    | GuestCrashLoaded
    | GuestPvShutdown
    | RtcChanged
    | VcpuError
    | Aborted
    | VcpuChanged
)


class EventSink:
    """Where the parts of one machine emit to; listeners are called in order, at once."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[MachineEvent], None]] = []

    def listen(self, listener: Callable[[MachineEvent], None]) -> None:
        """Have every event from now on handed to `listener`."""
        self._listeners.append(listener)

    def emit(self, event: MachineEvent) -> None:
        """Tell everyone."""
        for listener in self._listeners:
            listener(event)
