"""The stages that are in force in a machine, and what they make of what happens."""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import TYPE_CHECKING, NamedTuple, Protocol

from machine.errors import DeviceNotFoundError, MachineError
from machine.faults.chance import chances
from machine.faults.table import ACCEPT, NOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from machine.clock import Timer, VirtualClock
    from machine.faults.stage import Stage
    from machine.trace import Trace


class Decision(NamedTuple):
    """What a layer is to do.

    Attributes:
        outcome: one of those of the event.
        delay: ns of virtual time that are to pass before.
    """

    outcome: str = ACCEPT
    delay: int = 0


AS_EVER = Decision()


class Actor(Protocol):
    """Who can do what actions ask for."""

    def act(self, stage: Stage, cpu: int | None) -> None:
        """Do it, to the CPU of that index if it is done to one."""

    def end(self, stage: Stage) -> None:
        """An action that lasts is over; harmless if it never began."""


class Armed:
    """A stage in force.

    Attributes:
        stage: the stage.
        seen: events so far that it was to wait for.
        done: how many of them it has made something of.
    """

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage = stage
        self.seen = 0
        self.done = 0
        self.timers: list[Timer] = []
        self.ending: Timer | None = None
        self._chances: Iterator[float] = chances(seed, stage.name)

    def fires(self) -> bool:
        """Count an event; whether something is to come of it."""
        stage = self.stage
        self.seen += 1
        if self.seen <= stage.skip or (stage.count is not None and self.done >= stage.count):
            return False
        if stage.probability < 1 and next(self._chances) >= stage.probability:
            return False
        self.done += 1
        return True

    def delay(self) -> int:
        """How long it takes this time, in ns."""
        stage = self.stage
        extra = int(stage.jitter * next(self._chances)) if stage.jitter else 0
        return stage.delay + extra

    def forget(self) -> None:
        """What it was about to cause is not to come any more."""
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()


class Faults:
    """The stages of one machine.

    Args:
        clock: virtual time.
        trace: where to report.
        actor: does what actions ask for.
        seed: of all chance.
        possible: how many CPUs the machine can have.

    Attributes:
        on: whether there is any stage; where there is none, nobody needs to ask.
    """

    def __init__(
        self, clock: VirtualClock, trace: Trace, actor: Actor, *, seed: int, possible: int
    ) -> None:
        self.on = False
        self._clock = clock
        self._trace = trace
        self._actor = actor
        self._seed = seed
        self._possible = possible
        self._armed: dict[str, Armed] = {}

    def inject(self, stage: Stage) -> None:
        """Put a stage in force.

        Raises:
            MachineError: its name is taken, or it names a CPU that there can't be.
        """
        if stage.name in self._armed:
            raise MachineError(f"Duplicate ID '{stage.name}' for fault")
        stage.check_cpus(self._possible)
        armed = self._armed[stage.name] = Armed(stage, self._seed)
        self.on = True
        if stage.when == NOW and armed.fires():
            self._cause(armed, None)

    def free_name(self, stem: str) -> str:
        """A name that no stage has."""
        names = (f"{stem}-{n}" for n in count(1))
        return next(name for name in names if name not in self._armed)

    def clear(self, name: str | None = None) -> None:
        """Take a stage out of force, or all; what they were about to cause does not come.

        Raises:
            DeviceNotFoundError: there is no such stage.
        """
        if name is not None and name not in self._armed:
            raise DeviceNotFoundError(f"Fault '{name}' not found")
        for each in [name] if name is not None else list(self._armed):
            armed = self._armed.pop(each)
            armed.forget()
            self._actor.end(armed.stage)
        self.on = bool(self._armed)

    def armed(self) -> list[Armed]:
        """The stages in force, in the order in which they came."""
        return list(self._armed.values())

    def decide(self, event: str, cpu: int | None = None, command: str | None = None) -> Decision:
        """Something happens: what is to come of it. The first stage that decides it wins.

        Args:
            event: one of `table.EVENTS`.
            cpu: the cpu-index that it is about.
            command: the command that it is about.
        """
        decision = None
        for armed in list(self._armed.values()):
            stage = armed.stage
            if stage.when != event or (stage.is_decision and decision is not None):
                continue
            if stage.cpu not in {None, cpu} or stage.command not in {None, command}:
                continue
            if not armed.fires():
                continue
            if stage.is_action:
                self._cause(armed, cpu)
            else:
                decision = Decision(stage.do, armed.delay())
                self._tell(stage, cpu)
        return decision or AS_EVER

    def _cause(self, armed: Armed, cpu: int | None) -> None:
        """Have an action happen, when it is due."""
        target = cpu if armed.stage.target is None else armed.stage.target
        call = partial(self._act, armed, target)
        armed.timers = [timer for timer in armed.timers if timer.callback is not None]
        armed.timers.append(self._clock.call_after(armed.delay(), call))

    def _act(self, armed: Armed, cpu: int | None) -> None:
        stage = armed.stage
        self._tell(stage, cpu)
        self._actor.act(stage, cpu)
        if stage.duration is not None:
            self._end_after(armed, stage.duration)

    def _end_after(self, armed: Armed, duration: int) -> None:
        """Let an action that lasts be over then; done anew meanwhile, it lasts anew."""
        if armed.ending is not None:
            armed.ending.cancel()
        armed.ending = self._clock.call_after(duration, partial(self._actor.end, armed.stage))
        armed.timers.append(armed.ending)

    def _tell(self, stage: Stage, cpu: int | None) -> None:
        if self._trace.on:
            self._trace("fault", stage.do, stage=stage.name, when=stage.when, cpu=cpu)
