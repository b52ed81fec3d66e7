"""The machine of a process, and its plan, which takes its place until it is created.

QEMU calls these phases: with `--preconfig` the monitors answer once the machine has been asked for,
and it is created when a client says so (`x-exit-preconfig`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.errors import MachineError
from machine.virt import VirtMachine
from protocol.errors import QmpError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from machine.numa_draft import NumaOption
    from machine.planned import PlannedMachine
    from protocol.command import Command


def _nobody(_machine: VirtMachine) -> None:
    """Nobody waits for a machine."""


class Stage:
    """What there is of a machine.

    Args:
        current: the machine, or its plan.

    Attributes:
        current: the machine as far as it is there.
        planned: its plan; None once it has been created.
        on_created: called with the machine that a client has had created.
    """

    def __init__(self, current: VirtMachine | PlannedMachine) -> None:
        self.current = current
        self.planned = None if isinstance(current, VirtMachine) else current
        self.on_created: Callable[[VirtMachine], None] = _nobody

    @property
    def machine(self) -> VirtMachine:
        """The machine.

        Raises:
            RuntimeError: it has not been created, and who asks should have known.
        """
        if isinstance(self.current, VirtMachine):
            return self.current
        raise RuntimeError("the machine has not been created")

    def require(self, command: Command) -> None:
        """See to it that a command may be executed now.

        Raises:
            QmpError: it needs a machine, and there is none yet.
        """
        if self.planned is not None and not command.allow_preconfig:
            raise QmpError(
                f"The command '{command.name}' is permitted only after machine initialization "
                "has completed"
            )

    def set_numa(self, option: NumaOption, backends: Mapping[str, int]) -> None:
        """Say something of the NUMA nodes of a machine that is to be.

        Args:
            option: what is said.
            backends: the memory backends that there are: ids, and sizes in bytes.

        Raises:
            MachineError: the machine refuses it, or is there already.
        """
        if self.planned is None:
            raise MachineError("The command is permitted only before the machine has been created")
        self.planned.numa.apply(option, backends)

    def create(self, backends: Mapping[str, int]) -> None:
        """Create the machine; see `set_numa`.

        Raises:
            MachineError: it can't be created as planned, and stays a plan; or it is there already.
        """
        if self.planned is None:
            raise MachineError("The command is permitted only before machine initialization")
        self.current = machine = self.planned.create(backends)
        self.planned = None
        self.on_created(machine)
