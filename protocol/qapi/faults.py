"""Our own: stages that make things go otherwise, and what the guest is like.

The same structures are the tables of a scenario file. Times are milliseconds of virtual time.
"""

from typing import Annotated

from protocol.model import Alternate, Int64, TellingEnum, WireModel


class FaultEvent(TellingEnum):
    """What a stage waits for."""

    NOW = "now"
    BOOT = "boot"
    UP = "up"
    DEVICE_CHECK = "device-check"
    EJECT_REQUEST = "eject-request"
    ONLINE = "online"
    OFFLINE = "offline"
    PLUG = "plug"
    UNPLUG_REQUEST = "unplug-request"
    UNPLUG = "unplug"
    RESET = "reset"
    UNPARK = "unpark"
    CPU_ON = "cpu-on"
    CPU_OFF = "cpu-off"
    COMMAND = "command"


class FaultOutcome(TellingEnum):
    """What comes of it: an outcome that the event can have, or something that is caused."""

    ACCEPT = "accept"
    NEVER = "never"
    IGNORE = "ignore"
    NO_REPORT = "no-report"
    NO_ONLINE = "no-online"
    FAIL = "fail"
    DRIVER_FAILURE = "driver-failure"
    NOT_SUPPORTED = "not-supported"
    IN_USE = "in-use"
    BUSY = "busy"
    DEPENDENCY = "dependency"
    ENOMEM = "enomem"
    EBUSY = "ebusy"
    PENDING = "pending"
    DENIED = "denied"
    INVALID_PARAMETERS = "invalid-parameters"
    ALREADY_ON = "already-on"
    INTERNAL_FAILURE = "internal-failure"
    DROP_UNEXECUTED = "drop-unexecuted"
    DROP_BEFORE_REPLY = "drop-before-reply"
    DROP_AFTER_REPLY = "drop-after-reply"
    ONLINE = "online"
    OFFLINE = "offline"
    EJECT = "eject"
    REBOOT = "reboot"
    POWEROFF = "poweroff"
    PANIC = "panic"
    HANG = "hang"
    CORRECTED_ERROR = "corrected-error"
    UNCORRECTED_ERROR = "uncorrected-error"
    INTERNAL_ERROR = "internal-error"
    ABORT = "abort"


class FaultStage(WireModel):
    """When something happens, after so long, let this come of it."""

    when: FaultEvent
    do: FaultOutcome
    name: str | None = None
    cpu: Int64 | None = None
    target: Int64 | None = None
    command: str | None = None
    delay: float | None = None
    jitter: float | None = None
    probability: float | None = None
    skip: Int64 | None = None
    count: Int64 | None = None
    duration: float | None = None


class FaultInfo(FaultStage):
    """A stage in force: how many events it has seen, and of how many it has made something."""

    name: str
    seen: Int64
    done: Int64


class FaultName(WireModel):
    """What a stage is called."""

    name: str


class GuestKernel(TellingEnum):
    """Which kernel boots."""

    HOTPLUG = "hotplug"
    NO_HOTPLUG = "no-hotplug"
    NO_GED = "no-ged"


class GuestOnlinePolicy(TellingEnum):
    """Who onlines a CPU that has come."""

    KERNEL = "kernel"
    UDEV = "udev"
    NEVER = "never"


class GuestInstant(TellingEnum):
    """A guest that takes no time."""

    INSTANT = "instant"


GuestSpeed = Annotated[float | GuestInstant, Alternate("a number or 'instant'")]


class GuestBehaviour(WireModel):
    """What the guest is like."""

    kernel: GuestKernel | None = None
    online: GuestOnlinePolicy | None = None
    online_delay: float | None = None
    isolated: list[Int64] | None = None
    load: float | None = None
    speed: GuestSpeed | None = None
    boot_time: float | None = None


class Scenario(WireModel):
    """A scenario file."""

    description: str | None = None
    guest: GuestBehaviour | None = None
    stage: list[FaultStage] | None = None
