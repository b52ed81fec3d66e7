"""--scenario, --seed, --guest-speed: what goes otherwise from the start, and how fast it goes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from daemon.options.sizes import parse_int
from daemon.options.usage import UsageError
from machine.guest.behaviour import Behaviour

if TYPE_CHECKING:
    from daemon.scenario import ScenarioFile
    from machine.config import MachineConfig

INSTANT = "instant"

USUAL = Behaviour(speed=1.0)
"""What a guest is like that nothing was said about: as slow as a real one."""


@dataclass(slots=True)
class ScenarioDraft:
    """What has been read so far.

    Attributes:
        files: the scenarios, in their order.
        seed: of all chance.
        speed: what --guest-speed said, in a tuple of one; None if it was not given.
    """

    files: list[ScenarioFile] = field(default_factory=list)
    seed: int = 0
    speed: tuple[float | None] | None = None

    def read_scenario(self, text: str) -> None:
        """Read --scenario's argument, and the file that it names.

        Raises:
            UsageError: there is no such file, or something is wrong in it.
        """
        from daemon.scenario import read_scenario  # noqa: PLC0415 - few have one

        self.files.append(read_scenario(text))

    def read_seed(self, text: str) -> None:
        """Read --seed's argument.

        Raises:
            UsageError: it is no number.
        """
        seed = parse_int(text)
        if seed is None or seed < 0:
            raise UsageError("expects a number that is not negative")
        self.seed = seed

    def read_speed(self, text: str) -> None:
        """Read --guest-speed's argument.

        Raises:
            UsageError: it is neither a positive number nor `instant`.
        """
        self.speed = (None if text == INSTANT else _speed(text),)

    def apply(self, machine: MachineConfig) -> MachineConfig:
        """The machine, with a guest that is like this, and with all stages.

        Raises:
            UsageError: the machine can't have what a scenario names.
        """
        behaviour = USUAL
        for file in self.files:
            behaviour = file.behaviour(behaviour, machine.possible_count)
        if self.speed is not None:
            behaviour = replace(behaviour, speed=self.speed[0])
        stages = [stage for file in self.files for stage in file.checked(machine.possible_count)]
        _check_names(self.files)
        return replace(machine, behaviour=behaviour, stages=tuple(stages), seed=self.seed)


def _speed(text: str) -> float | None:
    try:
        speed = Behaviour(speed=float(text)).speed
    except ValueError:
        raise UsageError(f"expects a positive number or '{INSTANT}'") from None
    return speed


def _check_names(files: list[ScenarioFile]) -> None:
    """Stages of different files need different names, too."""
    taken: set[str] = set()
    for file in files:
        file.check_names(taken)
