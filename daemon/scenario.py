"""Scenarios: TOML files that say what the guest is like, and what is to go otherwise.

Those in `daemon/scenarios/` are found by their names. What is wrong in a file is told in one line,
with the file, the key, and what is allowed; what is right in it has no effect then.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from daemon.commands import COMMANDS
from daemon.faults import behaviour_of, stage_of
from daemon.options.usage import UsageError
from machine.errors import MachineError
from machine.guest_check import check_behaviour
from protocol.arguments import describe
from protocol.model import wire_name
from protocol.qapi.faults import FaultStage, GuestBehaviour, Scenario

if TYPE_CHECKING:
    from collections.abc import Mapping

    from machine.faults.stage import Stage
    from machine.guest.behaviour import Behaviour
    from protocol.model import WireModel

FOLDER = Path(__file__).parent / "scenarios"
SUFFIX = ".toml"
PARAMETER = "Parameter '"


def ready_made() -> Mapping[str, Path]:
    """The scenarios that are there already, by name."""
    return {
        path.stem: path for path in sorted(FOLDER.glob(f"*{SUFFIX}"), key=lambda path: path.stem)
    }


@dataclass(frozen=True, slots=True)
class ScenarioFile:
    """A scenario that has been read.

    Attributes:
        where: as the user names it.
        description: what it is about, in one line.
        guest: what the guest is like, as far as it says so.
        stages: all of them have names.
    """

    where: str
    description: str
    guest: GuestBehaviour
    stages: tuple[Stage, ...]

    def behaviour(self, before: Behaviour, possible: int) -> Behaviour:
        """What a guest becomes by it.

        Args:
            before: what it was like.
            possible: how many CPUs the machine can have.

        Raises:
            UsageError: it can't be like that.
        """
        try:
            behaviour = behaviour_of(self.guest, before)
            check_behaviour(behaviour, possible)
        except MachineError as error:
            raise UsageError(f"--scenario {self.where}: {_placed('guest', error)}") from None
        return behaviour

    def checked(self, possible: int) -> tuple[Stage, ...]:
        """The stages, for a machine that can have so many CPUs.

        Raises:
            UsageError: one of them is about another.
        """
        for place, stage in enumerate(self.stages):
            try:
                stage.check_cpus(possible)
            except MachineError as error:
                where = f"--scenario {self.where}"
                raise UsageError(f"{where}: {_placed(f'stage[{place}]', error)}") from None
        return self.stages

    def check_names(self, taken: set[str]) -> None:
        """Add the names of the stages to those that are taken.

        Raises:
            UsageError: one is there already.
        """
        for place, stage in enumerate(self.stages):
            if stage.name in taken:
                raise UsageError(f"--scenario {self.where}: {_duplicate(place, stage.name)}")
            taken.add(stage.name)


def read_scenario(where: str) -> ScenarioFile:
    """Read a scenario, by its name or its file.

    Raises:
        UsageError: it is not there, or something is wrong in it; without the file's name.
    """
    ready = ready_made()
    path = ready.get(where, Path(where))
    text = _text(path, ready)
    try:
        scenario = _validated(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"not TOML: {error}") from None
    except RecursionError:
        raise UsageError("not TOML: nested too deep") from None
    return ScenarioFile(
        where=where,
        description=scenario.description or "",
        guest=_guest(scenario),
        stages=tuple(_stages(path.stem, scenario.stage or [])),
    )


def _text(path: Path, ready: Mapping[str, Path]) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UsageError("not UTF-8") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        known = f"; ready-made ones: {', '.join(ready)}" if path.name == str(path) else ""
        raise UsageError(f"{reason}{known}") from None


def _validated(members: Mapping[str, object]) -> Scenario:
    try:
        return Scenario.model_validate(members, by_alias=True, by_name=False)
    except ValidationError as error:
        raise UsageError(describe(error) + _hint(error)) from None


def _hint(error: ValidationError) -> str:
    """Which keys there are, where one was given that is not."""
    first = error.errors(include_url=False)[0]
    if first["type"] != "extra_forbidden":
        return ""
    tables: Mapping[object, type[WireModel]] = {"guest": GuestBehaviour, "stage": FaultStage}
    model = tables[first["loc"][0]] if len(first["loc"]) > 1 else Scenario
    return f"; there are: {', '.join(map(wire_name, model.model_fields))}"


def _guest(scenario: Scenario) -> GuestBehaviour:
    return scenario.guest or GuestBehaviour()


def _stages(stem: str, given: list[FaultStage]) -> list[Stage]:
    """Check the stages, and give each that has no name one of the file's.

    Raises:
        UsageError: one can't be.
    """
    taken = {stage.name for stage in given}
    names = (name for n in range(1, 2 + 2 * len(given)) if (name := f"{stem}-{n}") not in taken)
    stages: list[Stage] = []
    for place, each in enumerate(given):
        try:
            stage = stage_of(each, next(names) if each.name is None else each.name, COMMANDS)
        except MachineError as error:
            raise UsageError(_placed(f"stage[{place}]", error)) from None
        if any(stage.name == other.name for other in stages):
            raise UsageError(_duplicate(place, stage.name))
        stages.append(stage)
    return stages


def _duplicate(place: int, name: str) -> str:
    return f"{PARAMETER}stage[{place}].name': Duplicate ID '{name}' for fault"


def _placed(table: str, error: MachineError) -> str:
    """What is wrong, with the key as the file has it."""
    text = str(error)
    if text.startswith(PARAMETER):
        return f"{PARAMETER}{table}.{text.removeprefix(PARAMETER)}"
    return f"{table}: {text}"
