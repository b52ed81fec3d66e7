"""The words of a stage: the events that it can wait for, and what can be made to come of them.

An event where a layer decides something has outcomes of its own, which take the place of what the
layer would do; `accept` is that itself, and serves to let it come late. Actions can be caused by
any event, and leave the event itself alone. All that is said elsewhere (refusals, the schema of
`x-inject-fault`, the documentation) is derived from these tables.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCEPT = "accept"
NOW = "now"
COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens in a layer.

    Attributes:
        layer: where.
        help: what has happened, or is about to.
        cpu: whether it is about one CPU.
        outcomes: what can be decided, each with what it means; empty where nothing can.
        delays: whether what is decided can come late.
    """

    layer: str
    help: str
    cpu: bool = False
    outcomes: Mapping[str, str] = field(default_factory=dict)
    delays: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can be caused.

    Attributes:
        help: what happens.
        cpu: whether it is done to one CPU.
        lasts: whether it goes on until its duration is over, or it is cleared.
    """

    help: str
    cpu: bool = False
    lasts: bool = False


_AS_EVER = "what happens anyway; with a delay it comes late"

EVENTS: Mapping[str, Event] = {
    NOW: Event("any", "at once, when the stage is taken up; actions only"),
    "boot": Event(
        "guest",
        "the guest's kernel begins to boot",
        outcomes={
            ACCEPT: _AS_EVER,
            "never": "the kernel is stuck before its drivers are there: interrupts get lost",
        },
        delays=True,
    ),
    "up": Event("guest", "the guest is up, its drivers are bound"),
    "device-check": Event(
        "guest",
        "the guest is about to handle a Notify (CPU, 1): a CPU has come",
        cpu=True,
        outcomes={
            ACCEPT: _AS_EVER,
            "ignore": "nothing is done about it, and nothing is reported",
            "no-report": "the CPU is registered and onlined, but _OST is not evaluated",
            "no-online": "the CPU is registered and reported, but nobody onlines it",
            "fail": "_OST (1, 1): non-specific failure; the CPU is not registered",
            "driver-failure": "_OST (1, 0x81): the driver could not be loaded",
            "not-supported": "_OST (1, 0x82): insertion is not supported",
        },
        delays=True,
    ),
    "eject-request": Event(
        "guest",
        "the guest is about to handle a Notify (CPU, 3): a CPU is asked for back",
        cpu=True,
        outcomes={
            ACCEPT: _AS_EVER,
            "ignore": "nothing is done about it, and nothing is reported",
            "fail": "_OST (3, 1): non-specific failure",
            "not-supported": "_OST (3, 0x80): this CPU can't go offline",
            "in-use": "_OST (3, 0x81): the device is in use",
            "busy": "_OST (3, 0x82): the device is busy",
            "dependency": "_OST (3, 0x83): something else depends on it",
        },
        delays=True,
    ),
    "online": Event("guest", "a CPU has come online", cpu=True),
    "offline": Event("guest", "a CPU has gone offline", cpu=True),
    "plug": Event("vmm", "a CPU was plugged: device_add", cpu=True),
    "unplug-request": Event("vmm", "a CPU was asked for back: device_del", cpu=True),
    "unplug": Event("vmm", "a CPU has left: DEVICE_DELETED", cpu=True),
    "reset": Event("vmm", "the machine was reset"),
    "unpark": Event(
        "kvm",
        "a parked vCPU is about to be taken back into use: device_add, -device",
        cpu=True,
        outcomes={
            "enomem": "the host has no memory for it: the plug fails",
            "ebusy": "the host's kernel says EBUSY: the plug fails",
        },
    ),
    "cpu-on": Event(
        "psci",
        "CPU_ON was called for a plugged CPU that is off",
        cpu=True,
        outcomes={
            ACCEPT: "what happens anyway; with a delay the CPU is on its way for so long",
            "pending": "the call succeeds, and the CPU is ON_PENDING until the stage is cleared",
            "denied": "DENIED",
            "invalid-parameters": "INVALID_PARAMETERS",
            "already-on": "ALREADY_ON",
            "internal-failure": "INTERNAL_FAILURE",
        },
        delays=True,
    ),
    "cpu-off": Event(
        "psci",
        "a CPU has called CPU_OFF",
        cpu=True,
        outcomes={
            ACCEPT: "what happens anyway; with a delay AFFINITY_INFO says ON for so long",
            "denied": "DENIED: the CPU stays on",
        },
        delays=True,
    ),
    COMMAND: Event(
        "qmp",
        "a command is about to be executed",
        outcomes={
            ACCEPT: "it is executed; with a delay its reply comes late",
            "drop-unexecuted": "the connection is dropped, and nothing was executed",
            "drop-before-reply": "it is executed, and the connection is dropped before the reply",
            "drop-after-reply": "it is executed, and the connection is dropped after the reply",
        },
        delays=True,
    ),
}
"""By name; a CPU is always meant by its cpu-index."""

ACTIONS: Mapping[str, Action] = {
    "online": Action("a user of the guest onlines a CPU", cpu=True),
    "offline": Action("a user of the guest offlines a CPU", cpu=True),
    "eject": Action("a user of the guest ejects a CPU", cpu=True),
    "reboot": Action("the guest reboots"),
    "poweroff": Action("the guest powers off"),
    "panic": Action("the guest's kernel panics"),
    "hang": Action("the guest's CPUs stand still", lasts=True),
    "corrected-error": Action("a CPU has a hardware error that was corrected", cpu=True),
    "uncorrected-error": Action("a CPU has a hardware error, and takes an SError", cpu=True),
    "internal-error": Action("KVM_RUN fails on a vCPU: the machine stops", cpu=True),
    "abort": Action("the VMM's process aborts, as on a failed assertion"),
}
"""What can be caused, by name."""
