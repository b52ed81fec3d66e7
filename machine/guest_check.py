"""What a guest can be like: the ranges of `Behaviour`, checked where somebody sets it."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from machine.errors import MachineError

if TYPE_CHECKING:
    from machine.guest.behaviour import Behaviour


def check_behaviour(behaviour: Behaviour, possible: int) -> None:
    """Refuse what no guest can be like.

    Args:
        behaviour: what it is to be like.
        possible: how many CPUs the machine can have.

    Raises:
        MachineError: and why not.
    """
    check_speed(behaviour.speed)
    if not 0 <= behaviour.load < 1:
        raise MachineError("Parameter 'load' expects a number from 0 to below 1")
    for key, value in (
        ("online-delay", behaviour.online_delay),
        ("boot-time", behaviour.boot_time),
    ):
        if value < 0:
            raise MachineError(f"Parameter '{key}' expects a number that is not negative")
    for cpu in sorted(behaviour.isolated):
        if not 0 <= cpu < possible:
            raise MachineError(
                f"Parameter 'isolated' does not accept value '{cpu}'; "
                f"correct range is 0:{possible - 1}"
            )


def check_speed(speed: float | None) -> None:
    """Refuse a speed that is none; see `check_behaviour`."""
    if speed is not None and not (isfinite(speed) and speed > 0):
        raise MachineError("Parameter 'speed' expects a positive number")
