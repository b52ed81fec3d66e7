"""What a guest can be like in a machine: the part of it that `Behaviour` can't know by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.errors import MachineError

if TYPE_CHECKING:
    from machine.guest.behaviour import Behaviour


def check_behaviour(behaviour: Behaviour, possible: int) -> None:
    """Refuse CPUs that a machine can't have.

    Args:
        behaviour: what its guest is to be like.
        possible: how many CPUs are possible.

    Raises:
        MachineError: one is not.
    """
    for cpu in sorted(behaviour.isolated):
        if cpu >= possible:
            raise MachineError(
                f"Parameter 'isolated' does not accept value '{cpu}'; "
                f"correct range is 0:{possible - 1}"
            )
