"""Devices come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daemon.hmp.command import hmp
from machine.cpu_models import CPU_MODELS
from machine.errors import MachineError
from protocol.encode import encode_value
from protocol.errors import QmpError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from daemon.context import Context
    from daemon.hmp.monitor import HumanMonitor
    from protocol.qapi.qom import ObjectPropertyInfo

_HELP = {"help", "?"}
_WIDTH = 24
"""Columns that a property's name and type are given."""


def _types(_context: Context) -> Iterator[str]:
    """The types that a user may create."""
    return (model.typename for model in CPU_MODELS.values())


def _ids(context: Context) -> Iterator[str]:
    """The ids of devices that may be unplugged."""
    for _slot, cpu in context.machine.cpus():
        if cpu.hotplugged and cpu.device_id is not None:
            yield cpu.device_id


@hmp(
    "device_add",
    args="device:O",
    params="driver[,prop=value][,...]",
    help="add device, like -device on the command line",
    complete=_types,
)
def device_add(monitor: HumanMonitor, device: dict[str, str] | None = None) -> Iterable[str]:
    """Plug a device, or list the types (`help`), or a type's properties (`TYPE,help`)."""
    given = device or {}
    if given.get("driver") in _HELP:
        return ["", "CPU devices:", *(f'name "{type_}"' for type_ in _types(monitor.context))]
    if "driver" in given and given.keys() & _HELP:
        return _properties(monitor, given["driver"])
    monitor.qmp("device_add", **given)
    return ()


@hmp("device_del", args="id:s", params="device", help="remove device", complete=_ids)
def device_del(monitor: HumanMonitor, id: str) -> None:  # noqa: A002 - QAPI's name
    """Ask the guest to give a device back."""
    monitor.qmp("device_del", id=id)


def _properties(monitor: HumanMonitor, driver: str) -> Iterator[str]:
    try:
        entries = monitor.qmp("device-list-properties", typename=driver)
    except (QmpError, MachineError) as error:
        yield str(error)
        return
    yield f"{driver} options:"
    yield from sorted(_property(entry) for entry in entries)


def _property(entry: ObjectPropertyInfo) -> str:
    text = f"  {entry.name}=<{entry.type}>"
    default = entry.default_value
    told = entry.description or ""
    if default is not None:
        told += f" (default: {encode_value(default).decode()})"
    elif entry.description is None:
        return text
    return f"{text:{_WIDTH}} - {told}"
