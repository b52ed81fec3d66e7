"""Device creation and removal as clients ask for it: `device_add`, `-device`, `device_del`.

What can be refused is refused before anything is changed, in the order and the words of the
reference (system/qdev-monitor): id, driver, bus, duplicate id, properties; what only the board
knows comes after.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from machine.cpu_features import properties_of
from machine.cpu_models import ABSTRACT_TYPES, BOARD_ONLY_TYPES, MODEL_OF_TYPE
from machine.cpu_properties import check_features
from machine.errors import DeviceNotFoundError, MachineError
from machine.qdev_values import option_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from machine.cpu_models import CpuModel
    from machine.cpu_properties import CpuProperty

_ID = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
_NOT_PROPERTIES = frozenset({"driver", "bus", "id"})
_EXPECTED = {"bool": "boolean", "string": "string", "str": "string"}
SYSTEM_BUS = "main-system-bus"


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """A device that may be created: everything but the board has agreed."""

    driver: str
    device_id: str | None
    properties: dict[str, object]

    def number(self, name: str) -> int:
        """A numeric property; one that was not given is 0, as the reference has it."""
        value = self.properties.get(name, 0)
        return value if isinstance(value, int) else 0


def parse_request(
    given: Mapping[str, object],
    ids: Collection[str],
    defaults: Mapping[str, object],
) -> DeviceRequest:
    """Check what a client gave, up to where the board's own checks begin.

    Args:
        given: "driver", and whatever else; JSON values, or the text of a command line.
        ids: device ids in use.
        defaults: properties that every CPU has where none is given.

    Raises:
        MachineError: with the reference's text.
    """
    device_id = _device_id(given)
    driver = _driver(given)
    _check_bus(given, driver)
    if device_id in ids:
        raise MachineError(f"Duplicate device ID '{device_id}'")
    properties = _properties(given, driver)
    check_features(properties)
    return DeviceRequest(driver, device_id, {**defaults, **properties})


def parse_globals(model: CpuModel, given: Iterable[tuple[str, str]]) -> dict[str, object]:
    """The properties that `-cpu` gives every CPU, from their texts, in their order.

    Raises:
        MachineError: with the text of QEMU 7.2, which reads them as strings, where `device_add`
            reads options.
    """
    found: dict[str, object] = {}
    for name, text in given:
        try:
            found[name] = _global(model, name, text)
            check_features(found)
        except MachineError as error:
            raise MachineError(
                f"can't apply global {model.typename}.{name}={text}: {error}"
            ) from None
    return found


def _global(model: CpuModel, name: str, text: str) -> object:
    entry = properties_of(model).get(name)
    if entry is None:
        raise MachineError(f"Property '{model.typename}.{name}' not found")
    try:
        return _parse(model.typename, entry, text)
    except MachineError as error:
        signed = "int64" if entry.type.startswith("int") else "uint64"
        raise MachineError(str(error).replace("expects integer", f"expects {signed}")) from None


def _parse(driver: str, entry: CpuProperty, text: str) -> object:
    """Take a property's value; a link can be cut, and leads to nothing that a user has made.

    Raises:
        MachineError: it is no value of this property, or none can be given.
    """
    if entry.type.startswith("link<") and entry.name != "parent_bus":
        if text:
            raise DeviceNotFoundError(f"Device '{text}' not found")
        return text
    if entry.parse is None:
        raise MachineError(f"Property '{driver}.{entry.name}' is not writable")
    return entry.parse(entry.name, text)


def spelled(given: Mapping[str, object]) -> str:
    """A device's properties as a command line has them."""
    others = (f"{key}={value}" for key, value in given.items() if key != "driver")
    return ",".join((str(given.get("driver", "")), *others))


def _device_id(given: Mapping[str, object]) -> str | None:
    """The id; a number or a boolean is none, as in the reference."""
    if "id" not in given:
        return None
    value = given["id"]
    if isinstance(value, str):
        if not _ID.fullmatch(value):
            raise MachineError("Parameter 'id' expects an identifier")
        return value
    option_text("id", value, "string")
    return None


def _driver(given: Mapping[str, object]) -> str:
    if "driver" not in given:
        raise MachineError("Parameter 'driver' is missing")
    driver = option_text("driver", given["driver"], "string")
    if driver in ABSTRACT_TYPES:
        raise MachineError("Parameter 'driver' expects a non-abstract device type")
    if driver in BOARD_ONLY_TYPES:
        raise MachineError("Parameter 'driver' expects a pluggable device type")
    if driver not in MODEL_OF_TYPE:
        raise MachineError(f"'{driver}' is not a valid device model name")
    return driver


def _check_bus(given: Mapping[str, object], driver: str) -> None:
    if "bus" not in given:
        return
    bus = option_text("bus", given["bus"], "string")
    if bus == SYSTEM_BUS:
        raise MachineError(f"Device '{driver}' can't go on System bus")
    raise MachineError(f"Bus '{bus}' not found")


def _properties(given: Mapping[str, object], driver: str) -> dict[str, object]:
    """Parse every property: the known ones first, in the table's order, then the others."""
    parsed: dict[str, object] = {}
    known = properties_of(MODEL_OF_TYPE[driver])
    for entry in known.values():
        if entry.name not in given:
            continue
        text = option_text(entry.name, given[entry.name], _EXPECTED.get(entry.type, "integer"))
        parsed[entry.name] = _parse(driver, entry, text)
    for name in given:
        if name not in known and name not in _NOT_PROPERTIES:
            raise MachineError(f"Property '{driver}.{name}' not found")
    return parsed
