"""A stage: when something happens, after so long, let this come of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from machine.errors import MachineError
from machine.faults.table import ACTIONS, COMMAND, EVENTS, NOW

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Stage:
    """One line of a scenario.

    Attributes:
        when: one of `table.EVENTS`.
        do: an outcome of that event, or one of `table.ACTIONS`.
        name: what it is called; unique in a machine.
        cpu: the cpu-index that the event is to be about; None for any.
        target: the cpu-index that an action is done to; None for that of the event.
        command: the command that an event `command` is to be about; None for any.
        delay: ns of virtual time that pass before.
        jitter: ns; a delay is longer by a random part of it.
        probability: of it happening at all, 0 to 1.
        skip: how many such events pass first.
        count: how many times it happens at most; None for each time.
        duration: ns that an action lasts which does; None for as long as the stage is there.

    Raises:
        MachineError: it can't be, and why; see `check`.
    """

    when: str
    do: str
    name: str = ""
    cpu: int | None = None
    target: int | None = None
    command: str | None = None
    delay: int = 0
    jitter: int = 0
    probability: float = 1.0
    skip: int = 0
    count: int | None = None
    duration: int | None = None

    def __post_init__(self) -> None:
        self._check_words()
        self._check_cpus()
        self._check_numbers()

    def _check_words(self) -> None:
        _one_of("when", self.when, EVENTS)
        event = EVENTS[self.when]
        _one_of("do", self.do, (*event.outcomes, *ACTIONS))
        if self.command is not None and self.when != COMMAND:
            raise MachineError(f"Parameter 'command' needs when={COMMAND}")
        if self.is_decision and not event.delays and (self.delay or self.jitter):
            raise MachineError(f"Parameter 'delay' does not go with when={self.when}")
        if self.duration is not None and not (self.is_action and ACTIONS[self.do].lasts):
            raise MachineError(f"Parameter 'duration' does not go with do={self.do}")

    def _check_cpus(self) -> None:
        if self.cpu is not None and not EVENTS[self.when].cpu:
            raise MachineError(f"Parameter 'cpu' does not go with when={self.when}")
        if self.target is not None and not (self.is_action and ACTIONS[self.do].cpu):
            raise MachineError(f"Parameter 'target' does not go with do={self.do}")
        needs = self.is_action and ACTIONS[self.do].cpu and not EVENTS[self.when].cpu
        if needs and self.target is None:
            raise MachineError(f"Parameter 'target' is missing: do={self.do} needs a CPU")

    def _check_numbers(self) -> None:
        for key in ("delay", "jitter", "skip", "duration"):
            if (getattr(self, key) or 0) < 0:
                raise MachineError(f"Parameter '{key}' expects a number that is not negative")
        if not 0 <= self.probability <= 1:
            raise MachineError("Parameter 'probability' expects a number from 0 to 1")
        if self.count is not None and self.count < 1:
            raise MachineError("Parameter 'count' expects a positive number")
        if self.when == NOW and self.count not in {None, 1}:
            raise MachineError("Parameter 'count' does not go with when=now")

    @property
    def is_action(self) -> bool:
        """Whether it causes something, rather than deciding what comes of the event."""
        return self.do not in EVENTS[self.when].outcomes

    @property
    def is_decision(self) -> bool:
        """The opposite."""
        return not self.is_action

    def check_cpus(self, possible: int) -> None:
        """Refuse CPUs that a machine can't have.

        Args:
            possible: how many CPUs are possible.

        Raises:
            MachineError: one is not.
        """
        for key in ("cpu", "target"):
            index = getattr(self, key)
            if index is not None and not 0 <= index < possible:
                raise MachineError(
                    f"Parameter '{key}' does not accept value '{index}'; "
                    f"correct range is 0:{possible - 1}"
                )


def _one_of(key: str, value: str, allowed: Iterable[str]) -> None:
    if value not in allowed:
        raise MachineError(
            f"Parameter '{key}' does not accept value '{value}'; it is one of: "
            + ", ".join(allowed)
        )
