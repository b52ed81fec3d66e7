"""A small command table for the tests: one command of each shape."""

from dataclasses import dataclass
from typing import Any

from protocol.command import command
from protocol.errors import DeviceNotFoundError, QmpError
from protocol.model import Int8, Int32, QapiEnum, UInt64, WireModel
from protocol.qapi.control import CommandInfo
from protocol.qapi.machine import CpuInfoFast, UuidInfo
from protocol.qapi.misc import NameInfo
from protocol.qapi.qom import ObjectPropertyInfo
from protocol.qapi.run_state import RunState, StatusInfo


@dataclass
class Board:
    """The context of the handlers."""

    uuid: str = "00000000-0000-0000-0000-000000000000"


class ModelKind(QapiEnum):
    STATIC = "static"
    FULL = "full"


class Model(WireModel):
    name: str
    props: Any = None
    depth: Int8 | None = None


class DeviceAddArguments(WireModel):
    driver: str
    bus: str | None = None
    id: str | None = None


@command("query-uuid", allow_preconfig=True)
def query_uuid(board: Board) -> UuidInfo:
    """Tell the UUID."""
    return UuidInfo(uuid=board.uuid)


@command("query-name", static=True)
def query_name(_board: Board) -> NameInfo:
    """Tell the name."""
    return NameInfo()


@command("query-status", allow_preconfig=True)
def query_status(_board: Board) -> StatusInfo:
    """Tell the run state."""
    return StatusInfo(running=False, status=RunState.PRELAUNCH)


@command("query-commands")
def query_commands(_board: Board) -> list[CommandInfo]:
    """List the commands."""
    return [CommandInfo(name="query-commands")]


@command("query-cpus-fast")
def query_cpus_fast(_board: Board) -> list[CpuInfoFast]:
    """List the CPUs."""
    return []


@command("quit", allow_preconfig=True)
def quit_(_board: Board) -> None:
    """End."""


@command("qom-list")
def qom_list(_board: Board, path: str) -> list[ObjectPropertyInfo]:
    """List the properties of an object."""
    raise DeviceNotFoundError(f"Device '{path}' not found")


@command("qom-get")
def qom_get(_board: Board, path: str, property_: str) -> Any:
    """Read a property."""
    if path != "/machine":
        raise DeviceNotFoundError(f"Device '{path}' not found")
    raise QmpError(f"Property 'none-machine.{property_}' not found")


@command("qom-set")
def qom_set(_board: Board, path: str, property_: str, value: Any) -> None:
    """Write a property."""


@command("device-list-properties")
def device_list_properties(_board: Board, typename: str) -> list[ObjectPropertyInfo]:
    """List the properties of a type."""
    raise QmpError(f"Parameter 'typename' expects a non-abstract device type, not {typename}")


@command("query-cpu-model-expansion")
def query_cpu_model_expansion(_board: Board, type_: ModelKind, model: Model) -> Model:
    """Take a structure and an enumeration."""
    return Model(name=f"{type_} {model.name}")


@command("set-numbers")
def set_numbers(
    _board: Board,
    small: Int32,
    large: UInt64 = 0,
    on: bool = False,  # noqa: FBT001, FBT002  # a QMP argument
    names: list[str] | None = None,
) -> None:
    """Take numbers."""


@command("device_add", gen=False, arguments=DeviceAddArguments)
def device_add(_board: Board, arguments: dict[str, Any]) -> None:
    """Take anything."""
    if "driver" not in arguments:
        raise QmpError("Parameter 'driver' is missing")


@command("device_del")
def device_del(_board: Board, id_: str) -> None:
    """Remove a device."""
    raise DeviceNotFoundError(f"Device '{id_}' not found")


@command("migrate-pause", allow_oob=True)
def migrate_pause(_board: Board) -> None:
    """Pause a migration."""
    raise QmpError(
        "migrate-pause is currently only supported during postcopy-active or postcopy-recover state"
    )


@command("migrate-recover", allow_oob=True)
def migrate_recover(_board: Board, uri: str) -> None:
    """Recover a migration."""


@command("human-monitor-command")
def human_monitor_command(_board: Board, command_line: str, cpu_index: Int32 | None = None) -> str:
    """Run a line of the human monitor."""
    return "" if cpu_index is None else command_line
