"""QAPI run-state and misc: run, stand still, reset."""

from typing import TYPE_CHECKING

from protocol.command import command
from protocol.qapi.run_state import (
    PanicAction,
    RebootAction,
    RunState,
    ShutdownAction,
    StatusInfo,
    WatchdogAction,
)

if TYPE_CHECKING:
    from daemon.context import Context
    from machine.runstate import RunState as MachineRunState


def _run_state(context: "Context") -> "MachineRunState":
    """What the status depends on, all of it."""
    return context.stage.current.run_state


@command("query-status", allow_preconfig=True, kept=_run_state)
def query_status(context: "Context") -> StatusInfo:
    """Tell whether the machine runs."""
    machine = context.current
    return StatusInfo(status=RunState(machine.run_state.value), running=machine.running)


@command("stop")
def stop(context: "Context") -> None:
    """Stop all vCPUs."""
    context.machine.stop()


@command("cont")
def cont(context: "Context") -> None:
    """Let the vCPUs run."""
    context.machine.cont()


@command("system_reset")
def system_reset(context: "Context") -> None:
    """Reset the machine; CPUs whose removal is pending leave it."""
    context.machine.system_reset()


@command("system_powerdown")
def system_powerdown(context: "Context") -> None:
    """Press the power button; what follows is up to the guest."""
    context.machine.system_powerdown()


@command("system_wakeup")
def system_wakeup(context: "Context") -> None:
    """Wake up a guest that has suspended the system."""
    context.machine.system_wakeup()


@command("set-action", allow_preconfig=True)
def set_action(
    context: "Context",
    reboot: RebootAction | None = None,
    shutdown: ShutdownAction | None = None,
    panic: PanicAction | None = None,
    watchdog: WatchdogAction | None = None,
) -> None:
    """Choose what is done when the guest reboots, powers off or panics; the others stay."""
    given = {"reboot": reboot, "shutdown": shutdown, "panic": panic, "watchdog": watchdog}
    machine = context.current
    machine.actions = machine.actions.chosen(
        {key: value.value for key, value in given.items() if value is not None}
    )
