"""Our own: what is made to go otherwise, and what the guest is like (see `machine.faults`)."""

from typing import TYPE_CHECKING, Any

from protocol.command import command

if TYPE_CHECKING:
    from daemon.context import Context
    from protocol.qapi.faults import FaultInfo, FaultName, FaultStage, GuestBehaviour

MODELS = ("FaultInfo", "FaultName", "FaultStage", "GuestBehaviour")


def __getattr__(name: str) -> Any:
    """Import a model once somebody asks for it, which at a start nobody does."""
    if name not in MODELS:
        raise AttributeError(name)
    from protocol.qapi import faults  # noqa: PLC0415 - see above

    return getattr(faults, name)


@command("x-inject-fault", boxed=True)
def x_inject_fault(context: "Context", stage: "FaultStage") -> "FaultName":
    """Put a stage in force: when something happens, let this come of it."""
    from daemon.faults import stage_of  # noqa: PLC0415 - as above
    from protocol.qapi.faults import FaultName  # noqa: PLC0415 - as above

    faults = context.machine.faults
    made = stage_of(stage, stage.name or faults.free_name("fault"), context.commands)
    faults.inject(made)
    return FaultName(name=made.name)


@command("x-clear-faults")
def x_clear_faults(context: "Context", name: str | None = None) -> None:
    """Take a stage out of force, or all of them."""
    context.machine.faults.clear(name)


@command("x-query-faults")
def x_query_faults(context: "Context") -> "list[FaultInfo]":
    """List the stages in force, and what has come of each."""
    from daemon.faults import info_of  # noqa: PLC0415 - as above

    return [info_of(armed) for armed in context.machine.faults.armed()]


@command("x-guest-set-behaviour", boxed=True)
def x_guest_set_behaviour(context: "Context", behaviour: "GuestBehaviour") -> None:
    """Change what the guest is like, as far as it is given."""
    from daemon.faults import behaviour_of  # noqa: PLC0415 - as above
    from machine.guest_check import check_behaviour  # noqa: PLC0415 - as above

    machine = context.machine
    changed = behaviour_of(behaviour, machine.will.behaviour)
    check_behaviour(changed, machine.possible_count)
    machine.will.behaviour = changed


@command("x-guest-query-behaviour")
def x_guest_query_behaviour(context: "Context") -> "GuestBehaviour":
    """Tell what the guest is like."""
    from daemon.faults import behaviour_info  # noqa: PLC0415 - as above

    return behaviour_info(context.machine.will.behaviour)
