"""Introspection: ``query-qmp-schema`` built from the declarations of commands and events.

QEMU masks the names of its types: clients may rely on members and on the names of commands, events
and builtins, never on the name of a structure.  So structures and enumerations are numbered here in
the order in which commands and events reach them (qapi/introspect.json, ``SchemaInfo``).
"""

import itertools
import types
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from pydantic.fields import FieldInfo

from protocol.command import Command, CommandTable
from protocol.event import Event, EventTable
from protocol.model import QapiEnum, WireModel, unstable, wire_name
from protocol.union import FlatUnion

Entry = dict[str, Any]

_BUILTINS: Final[Mapping[Any, str]] = {
    str: "str",
    int: "int",
    bool: "bool",
    float: "number",
    types.NoneType: "null",
    Any: "any",
    object: "any",
}
_JSON_TYPES: Final[Mapping[str, str]] = {
    "str": "string",
    "int": "int",
    "bool": "boolean",
    "number": "number",
    "null": "null",
    "any": "value",
}


class _Empty(WireModel):
    """Stands for no arguments, and for a reply without content."""


def build_schema(commands: CommandTable, events: EventTable) -> list[Entry]:
    """Return the entries of ``query-qmp-schema``, each reachable from a command or an event."""
    return _Builder().build(commands, events)


class _Builder:
    def __init__(self) -> None:
        self._names: dict[type, str] = {}
        self._types: dict[str, Entry] = {}
        self._numbers = itertools.count()

    def build(self, commands: CommandTable, events: EventTable) -> list[Entry]:
        entries = [self._command(command) for command in commands.values()]
        entries += [self._event(event) for event in events.values()]
        return entries + list(self._types.values())

    def _command(self, command: Command) -> Entry:
        entry: Entry = {
            "name": command.name,
            "meta-type": "command",
            "arg-type": self._named(command.arguments or _Empty),
            "ret-type": self._named(_Empty if command.returns is None else command.returns),
        }
        if command.allow_oob:
            entry["allow-oob"] = True
        return entry | _features(command.features)

    def _event(self, event: type[Event]) -> Entry:
        return {
            "name": event.event_name,
            "meta-type": "event",
            "arg-type": self._named(event if event.model_fields else _Empty),
        }

    def _named(self, annotation: Any) -> str:
        """Return the name of a type, describing it first if it is new."""
        origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
        if origin is typing.Annotated:
            return self._named(parts[0])
        if origin in (typing.Union, types.UnionType):
            return self._optional(parts)
        if origin is list:
            return self._array(self._named(parts[0]))
        if origin is dict or annotation is dict:
            return self._builtin("any")
        if isinstance(annotation, type) and issubclass(annotation, WireModel | Enum):
            return self._structure(annotation)
        if annotation in _BUILTINS:
            return self._builtin(_BUILTINS[annotation])
        raise TypeError(f"no QAPI type for {annotation!r}")

    def _optional(self, parts: tuple[Any, ...]) -> str:
        """Return the type of an optional member; a choice of types would be an alternate."""
        present = [part for part in parts if part is not types.NoneType]
        return self._named(present[0]) if len(present) == 1 else self._alternate(present)

    def _builtin(self, name: str) -> str:
        self._types.setdefault(
            name, {"name": name, "meta-type": "builtin", "json-type": _JSON_TYPES[name]}
        )
        return name

    def _array(self, element: str) -> str:
        name = f"[{element}]"
        self._types.setdefault(name, {"name": name, "meta-type": "array", "element-type": element})
        return name

    def _alternate(self, parts: list[Any]) -> str:
        members = [{"type": self._named(part)} for part in parts]
        name = self._next_name()
        self._types[name] = {"name": name, "meta-type": "alternate", "members": members}
        return name

    def _structure(self, described: type) -> str:
        if described in self._names:
            return self._names[described]
        name = self._names[described] = self._next_name()
        entry: Entry = {"name": name}
        self._types[name] = entry
        if issubclass(described, QapiEnum):
            entry.update(_enumeration(described))
        elif issubclass(described, WireModel):
            members = [self._member(*field) for field in described.model_fields.items()]
            entry.update({"meta-type": "object", "members": members})
        if issubclass(described, FlatUnion):
            entry.update(tag=wire_name(described.tag), variants=self._variants(described))
        return name

    def _variants(self, described: type[FlatUnion]) -> list[Entry]:
        """A case for each value of the tag: those with members of their own first, as QEMU."""
        branches = {str(value): branch for value, branch in described.branches.items()}
        cases = branches | {value: _Empty for value in described.values() if value not in branches}
        return [{"case": value, "type": self._named(branch)} for value, branch in cases.items()]

    def _next_name(self) -> str:
        return str(next(self._numbers))

    def _member(self, name: str, field: FieldInfo) -> Entry:
        shown = field.alias or wire_name(name)
        entry: Entry = {"name": shown, "type": self._named(field.annotation)}
        if not field.is_required():
            entry["default"] = None
        return entry | _features(unstable(shown))


def _features(names: tuple[str, ...]) -> Entry:
    return {"features": list(names)} if names else {}


def _enumeration(described: type[QapiEnum]) -> Entry:
    values = [member.value for member in described]
    return {
        "meta-type": "enum",
        "members": [{"name": value} | _features(unstable(value)) for value in values],
        "values": values,
    }
