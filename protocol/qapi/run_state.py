"""QAPI ``run-state``: whether the machine runs, and why it stopped or was reset."""

from protocol.event import Event
from protocol.model import QapiEnum, WireModel


class RunState(QapiEnum):
    """The states of a virtual machine."""

    DEBUG = "debug"
    INMIGRATE = "inmigrate"
    INTERNAL_ERROR = "internal-error"
    IO_ERROR = "io-error"
    PAUSED = "paused"
    POSTMIGRATE = "postmigrate"
    PRELAUNCH = "prelaunch"
    FINISH_MIGRATE = "finish-migrate"
    RESTORE_VM = "restore-vm"
    RUNNING = "running"
    SAVE_VM = "save-vm"
    SHUTDOWN = "shutdown"
    SUSPENDED = "suspended"
    WATCHDOG = "watchdog"
    GUEST_PANICKED = "guest-panicked"
    COLO = "colo"


class ShutdownCause(QapiEnum):
    """Who asked for a shutdown or a reset."""

    NONE = "none"
    HOST_ERROR = "host-error"
    HOST_QMP_QUIT = "host-qmp-quit"
    HOST_QMP_SYSTEM_RESET = "host-qmp-system-reset"
    HOST_SIGNAL = "host-signal"
    HOST_UI = "host-ui"
    GUEST_SHUTDOWN = "guest-shutdown"
    GUEST_RESET = "guest-reset"
    GUEST_PANIC = "guest-panic"
    SUBSYSTEM_RESET = "subsystem-reset"
    SNAPSHOT_LOAD = "snapshot-load"


class RebootAction(QapiEnum):
    """What is done when the guest reboots."""

    RESET = "reset"
    SHUTDOWN = "shutdown"


class ShutdownAction(QapiEnum):
    """What is done when the guest powers off."""

    POWEROFF = "poweroff"
    PAUSE = "pause"


class PanicAction(QapiEnum):
    """What is done when the guest panics."""

    PAUSE = "pause"
    SHUTDOWN = "shutdown"
    EXIT_FAILURE = "exit-failure"
    NONE = "none"


class WatchdogAction(QapiEnum):
    """What is done when the guest's watchdog expires."""

    RESET = "reset"
    SHUTDOWN = "shutdown"
    POWEROFF = "poweroff"
    PAUSE = "pause"
    DEBUG = "debug"
    NONE = "none"
    INJECT_NMI = "inject-nmi"


class GuestPanicAction(QapiEnum):
    """What becomes of a machine whose guest has panicked."""

    PAUSE = "pause"
    POWEROFF = "poweroff"
    RUN = "run"


class StatusInfo(WireModel):
    """Whether the virtual CPUs run, and the state that this comes from."""

    running: bool
    status: RunState


class Stop(Event, name="STOP"):
    """The machine was stopped."""


class Resume(Event, name="RESUME"):
    """The machine goes on."""


class Powerdown(Event, name="POWERDOWN"):
    """The power button was pressed; what follows is up to the guest."""


class Suspend(Event, name="SUSPEND"):
    """The guest has suspended the system."""


class Wakeup(Event, name="WAKEUP"):
    """The guest goes on after it has slept."""


class Reset(Event, name="RESET"):
    """The machine was reset."""

    guest: bool
    reason: ShutdownCause


class Shutdown(Event, name="SHUTDOWN"):
    """The machine ends."""

    guest: bool
    reason: ShutdownCause


class GuestPanicked(Event, name="GUEST_PANICKED"):
    """The guest has panicked, and has said so by the panic device."""

    action: GuestPanicAction


class GuestCrashloaded(Event, name="GUEST_CRASHLOADED"):
    """The guest has panicked, and goes on in a kernel that it keeps for this."""

    action: GuestPanicAction


class GuestPvshutdown(Event, name="GUEST_PVSHUTDOWN"):
    """The guest has asked for its end by the panic device."""
