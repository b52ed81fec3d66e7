"""What the actions of stages do to a machine (see `machine.faults.table.ACTIONS`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from machine.faults.stage import Stage
    from machine.virt import VirtMachine


class FaultActions:
    """Does them."""

    def __init__(self, machine: VirtMachine) -> None:
        self._machine = machine
        self._acts: Mapping[str, Callable[[int | None], None]] = {}

    def act(self, stage: Stage, cpu: int | None) -> None:
        """Do what a stage asks for, to a CPU if it is done to one."""
        self._acts[stage.do](cpu)

    def end(self, stage: Stage) -> None:
        """An action that lasts is over."""
