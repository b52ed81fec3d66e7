"""Stages and behaviours as the wire and scenario files have them, and as the machine does.

What can be, the machine says; here only milliseconds become nanoseconds, and words enumerations.
"""

from __future__ import annotations

from dataclasses import fields, replace
from math import isfinite
from typing import TYPE_CHECKING, Any

from daemon.options.parameters import IDENTIFIER
from machine.errors import MachineError
from machine.faults.stage import Stage
from machine.guest.behaviour import MS, Behaviour, KernelKind, OnlinePolicy
from protocol.model import wire_name
from protocol.qapi.faults import (
    FaultEvent,
    FaultInfo,
    FaultOutcome,
    FaultStage,
    GuestBehaviour,
    GuestInstant,
    GuestKernel,
    GuestOnlinePolicy,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from machine.faults.faults import Armed
    from protocol.command import CommandTable

TIMES = ("delay", "jitter", "duration")
"""What a stage has in milliseconds outside, and in nanoseconds inside."""

END = 2**63
"""ns: what is due later never comes."""


def ns_of(key: str, ms: float) -> int:
    """Nanoseconds of milliseconds.

    Raises:
        MachineError: it is no number, or there is not that much time.
    """
    if not isfinite(ms) or abs(ms * MS) >= END:
        raise MachineError(f"Parameter '{key}' is out of range")
    return round(ms * MS)


def ms_of(ns: int) -> float:
    """Milliseconds of nanoseconds."""
    return ns / MS


def stage_of(given: FaultStage, name: str, commands: CommandTable) -> Stage:
    """A stage as it is given.

    Args:
        given: what is given.
        name: what it is called, if it has no name of its own.
        commands: those that there are.

    Raises:
        MachineError: it can't be, and why.
    """
    members = {field.name: getattr(given, field.name) for field in fields(Stage)}
    said = {key: value for key, value in members.items() if value is not None}
    said.update({key: ns_of(key, said[key]) for key in TIMES if key in said})
    said.update(when=given.when.value, do=given.do.value)
    _check_name(given.name)
    _check_command(given.command, commands)
    return Stage(**{"name": name, **said})


def is_ours(command: str) -> bool:
    """Whether a command is one that no QEMU has: who directs is no part of the play."""
    return command.startswith("x-")


def _check_name(name: str | None) -> None:
    if name is not None and not IDENTIFIER.fullmatch(name):
        raise MachineError("Parameter 'name' expects an identifier")


def _check_command(name: str | None, commands: CommandTable) -> None:
    if name is not None and (name not in commands or is_ours(name)):
        raise MachineError(
            f"Parameter 'command' does not accept value '{name}'; it is one of QEMU's own"
        )


def info_of(armed: Armed) -> FaultInfo:
    """A stage in force, for a reply: what it was given, and what has come of it."""
    stage = armed.stage
    members = {field.name: (getattr(stage, field.name), field.default) for field in fields(stage)}
    told: dict[str, Any] = {key: value for key, (value, usual) in members.items() if value != usual}
    told.update({key: ms_of(told[key]) for key in TIMES if key in told})
    told.update(when=FaultEvent(stage.when), do=FaultOutcome(stage.do))
    return FaultInfo(**told, seen=armed.seen, done=armed.done)


def behaviour_of(given: GuestBehaviour, before: Behaviour) -> Behaviour:
    """What a guest is like that is to be otherwise in what is given, and else as before.

    Raises:
        MachineError: it can't be like that.
    """
    try:
        return replace(before, **_changes(given))
    except ValueError as error:
        key, _, wanted = str(error).partition(" ")
        raise MachineError(f"Parameter '{wire_name(key)}' {wanted}") from None


def _changes(given: GuestBehaviour) -> Mapping[str, Any]:
    changes: dict[str, Any] = {}
    if given.kernel is not None:
        changes["kernel"] = KernelKind(given.kernel.value)
    if given.online is not None:
        changes["online"] = OnlinePolicy(given.online.value)
    if given.online_delay is not None:
        changes["online_delay"] = ns_of("online-delay", given.online_delay)
    if given.isolated is not None:
        changes["isolated"] = frozenset(given.isolated)
    if given.load is not None:
        changes["load"] = given.load
    if given.speed is not None:
        changes["speed"] = None if isinstance(given.speed, GuestInstant) else given.speed
    if given.boot_time is not None:
        changes["boot_time"] = ns_of("boot-time", given.boot_time)
    return changes


def behaviour_info(behaviour: Behaviour) -> GuestBehaviour:
    """What a guest is like, for a reply."""
    return GuestBehaviour(
        kernel=GuestKernel(behaviour.kernel.value),
        online=GuestOnlinePolicy(behaviour.online.value),
        online_delay=ms_of(behaviour.online_delay),
        isolated=sorted(behaviour.isolated),
        load=behaviour.load,
        speed=GuestInstant.INSTANT if behaviour.speed is None else behaviour.speed,
        boot_time=ms_of(behaviour.boot_time),
    )
