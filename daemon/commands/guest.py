"""Our own: what a user of the modelled guest does, who has no terminal here."""

from typing import TYPE_CHECKING

from protocol.command import command

if TYPE_CHECKING:
    from daemon.context import Context


@command("x-guest-suspend")
def x_guest_suspend(context: "Context") -> None:
    """Have the guest suspend the system; SUSPEND tells that it has."""
    context.machine.power.guest_suspend()


@command("x-guest-write")
def x_guest_write(context: "Context", path: str, data: str) -> None:
    """Write to a file of the guest's kernel, as a user of the guest would."""
    context.machine.power.guest_do(path, data)
