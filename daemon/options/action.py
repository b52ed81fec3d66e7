"""What -action says, and the older options for two of its values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daemon.options.parameters import Group, Parameter
from daemon.options.usage import UsageError
from machine.actions import OCCASIONS, Actions
from machine.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULTS = Actions()
ACTION = Group(
    "action",
    tuple(
        Parameter(
            name,
            shape="|".join(each.value for each in choices),
            default=getattr(_DEFAULTS, name).value,
        )
        for name, choices in OCCASIONS.items()
    ),
)


def read_action(actions: Actions, text: str) -> Actions:
    """Read -action's argument; gives what is chosen with it.

    Raises:
        UsageError: there is no such occasion, or nothing of the kind can be done then.
    """
    given = ACTION.read(text)
    if given.id is not None:
        raise UsageError("Invalid parameter 'id'")
    return choose(actions, {key: str(value) for key, value in given.values.items()})


def choose(actions: Actions, given: Mapping[str, str]) -> Actions:
    """Choose what is to be done on occasions.

    Raises:
        UsageError: that can't be done then.
    """
    try:
        return actions.chosen(given)
    except MachineError as error:
        raise UsageError(str(error)) from None
