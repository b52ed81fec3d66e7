"""Values held against a schema, as generated clients do it: what is not described is an error.

Written from QAPI's introspection alone (``query-qmp-schema``); nothing here knows what built it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Entry = dict[str, Any]

JSON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "int": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "object": (dict,),
    "array": (list,),
    "value": (str, int, float, bool, type(None), dict, list),
}
INTEGERS = range(-(2**63), 2**64)


class NotConformingError(Exception):
    """A value is not of the type that the schema gives it; says where."""


class Conformity:
    """Types by their names, and the commands and events that use them."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        tops = [entry for entry in entries if entry["meta-type"] in {"command", "event"}]
        self.tops = {entry["name"]: entry for entry in tops}
        self.types = {entry["name"]: entry for entry in entries if entry not in tops}

    def check_return(self, command: str, value: Any) -> None:
        """Hold what a command returned against what it promises."""
        self.check(self.tops[command]["ret-type"], value, command)

    def check_arguments(self, command: str, value: Any) -> None:
        """Hold what is to be sent against what is taken."""
        self.check(self.tops[command]["arg-type"], value, command)

    def check_event(self, event: Entry) -> None:
        """Hold an event, all of it, against its declaration."""
        if not {"event", "timestamp"} <= event.keys() <= {"event", "timestamp", "data"}:
            raise NotConformingError(f"members of {event}")
        if event["timestamp"].keys() != {"seconds", "microseconds"}:
            raise NotConformingError(f"timestamp of {event}")
        if event["event"] not in self.tops:
            raise NotConformingError(f"no such event: {event}")
        self.check(self.tops[event["event"]]["arg-type"], event.get("data", {}), event["event"])

    def takes_nothing(self, command: str) -> bool:
        """Whether a command may be given without arguments."""
        form = self.types[self.tops[command]["arg-type"]]
        return all("default" in member for member in form["members"]) and "tag" not in form

    def check(self, type_: str, value: Any, where: str) -> None:
        """Hold a value against a type.

        Raises:
            NotConformingError: it is not one.
        """
        entry = self.types[type_]
        getattr(self, f"_check_{entry['meta-type']}")(entry, value, where)

    def _check_builtin(self, entry: Entry, value: Any, where: str) -> None:
        wanted = JSON_TYPES[entry["json-type"]]
        if type(value) not in wanted or (type(value) is int and value not in INTEGERS):
            raise NotConformingError(f"{where}: {value!r} is no {entry['name']}")

    def _check_enum(self, entry: Entry, value: Any, where: str) -> None:
        if value not in entry["values"]:
            raise NotConformingError(f"{where}: {value!r} is not one of {entry['values']}")

    def _check_array(self, entry: Entry, value: Any, where: str) -> None:
        if type(value) is not list:
            raise NotConformingError(f"{where}: {value!r} is no array")
        for number, item in enumerate(value):
            self.check(entry["element-type"], item, f"{where}[{number}]")

    def _check_alternate(self, entry: Entry, value: Any, where: str) -> None:
        for member in entry["members"]:
            try:
                return self.check(member["type"], value, where)
            except NotConformingError:
                continue
        raise NotConformingError(f"{where}: {value!r} is none of the alternatives")

    def _check_object(self, entry: Entry, value: Any, where: str) -> None:
        if type(value) is not dict:
            raise NotConformingError(f"{where}: {value!r} is no object")
        members = self._members(entry, value)
        if unknown := value.keys() - members.keys():
            raise NotConformingError(f"{where}: {unknown} are not in the schema")
        for name, member in members.items():
            if name in value:
                self.check(member["type"], value[name], f"{where}.{name}")
            elif "default" not in member:
                raise NotConformingError(f"{where}.{name} is missing")

    def _members(self, entry: Entry, value: Entry) -> dict[str, Entry]:
        """The members that an object may have: the common ones, and those of its case."""
        members = {member["name"]: member for member in entry["members"]}
        for variant in entry.get("variants", []):
            if variant["case"] == value.get(entry["tag"]):
                members |= self._members(self.types[variant["type"]], value)
        return members
