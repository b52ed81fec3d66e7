"""``query-qmp-schema`` as its clients read it: a path lookup like libvirt's, and a checker.

Written from the form that QEMU's documentation gives to the schema, not from what builds ours.
"""

from collections import deque
from collections.abc import Iterator
from typing import Any

Entry = dict[str, Any]

REFERENCES = {
    "command": ("arg-type", "ret-type"),
    "event": ("arg-type",),
    "array": ("element-type",),
    "object": (),
    "alternate": (),
    "enum": (),
    "builtin": (),
}
MEMBERS = {
    "command": {"name", "meta-type", "arg-type", "ret-type", "allow-oob", "features"},
    "event": {"name", "meta-type", "arg-type", "features"},
    "array": {"name", "meta-type", "element-type"},
    "object": {"name", "meta-type", "members", "tag", "variants", "features"},
    "alternate": {"name", "meta-type", "members"},
    "enum": {"name", "meta-type", "members", "values"},
    "builtin": {"name", "meta-type", "json-type"},
}
"""What an entry of each kind has; but for `OPTIONAL` all of it."""

OPTIONAL = {"allow-oob", "features", "tag", "variants"}
JSON_TYPES = {"string", "number", "int", "boolean", "null", "object", "array", "value"}


class Schema:
    """A schema by name: commands and events apart from types, which have names of their own."""

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries
        self.top = {e["name"]: e for e in entries if e["meta-type"] in {"command", "event"}}
        self.types = {e["name"]: e for e in entries if e["meta-type"] not in {"command", "event"}}

    def has(self, path: str) -> bool:
        """Whether a path leads somewhere: `command/arg-type/member`, and on from there.

        The first character of a part may change what it is looked for among: `*` optional
        members, `+` variants, `^` values of an enumeration, `$` features, `!` builtin types.
        """
        name, *parts = path.split("/")
        entry = self.top.get(name)
        for part in parts:
            while entry is not None and entry["meta-type"] == "array":
                entry = self.types[entry["element-type"]]
            entry = None if entry is None else self._step(entry, part)
        return entry is not None

    def _step(self, entry: Entry, part: str) -> Entry | None:
        kind, rest = part[0], part[1:]
        said = {
            "$": entry.get("features", []),
            "^": entry.get("values", []),
            "!": [entry["name"]] if entry["meta-type"] == "builtin" else [],
        }
        if kind in said:
            return entry if rest in said[kind] else None
        if part in {"arg-type", "ret-type"}:
            return self.types[entry[part]]
        found = {"+" + each["case"]: each["type"] for each in entry.get("variants", [])}
        for member in entry.get("members", []) if entry["meta-type"] == "object" else []:
            found[member["name"]] = member["type"]
            if "default" in member:
                found["*" + member["name"]] = member["type"]
        return self.types.get(found.get(part, ""))

    def references(self, entry: Entry) -> Iterator[str]:
        """Names of the types that an entry mentions."""
        for key in REFERENCES[entry["meta-type"]]:
            yield entry[key]
        if entry["meta-type"] in {"object", "alternate"}:
            yield from (member["type"] for member in entry["members"])
            yield from (variant["type"] for variant in entry.get("variants", []))

    def unreached(self) -> set[str]:
        """Types that no command and no event leads to."""
        pending, seen = deque(self.top.values()), set[str]()
        while pending:
            for name in self.references(pending.popleft()):
                if name not in seen:
                    seen.add(name)
                    pending.append(self.types[name])
        return self.types.keys() - seen

    def faults(self) -> Iterator[str]:
        """What is wrong with it."""
        if len(self.top) + len(self.types) != len(self.entries):
            yield "a name twice"
        for entry in self.entries:
            allowed = MEMBERS[entry["meta-type"]]
            if not allowed - OPTIONAL <= entry.keys() <= allowed:
                yield f"members of {entry}"
            for name in self.references(entry):
                if name not in self.types:
                    yield f"{name} is missing"
            yield from getattr(self, f"_faults_of_{entry['meta-type']}", lambda _: ())(entry)
        yield from (f"{name} is not reached" for name in self.unreached())

    def _faults_of_builtin(self, entry: Entry) -> Iterator[str]:
        if entry["json-type"] not in JSON_TYPES:
            yield f"json-type of {entry}"

    def _faults_of_array(self, entry: Entry) -> Iterator[str]:
        if entry["name"] != f"[{entry['element-type']}]":
            yield f"name of {entry}"

    def _faults_of_enum(self, entry: Entry) -> Iterator[str]:
        if not entry["name"].isdigit():
            yield f"name of {entry}"
        if [member["name"] for member in entry["members"]] != entry["values"]:
            yield f"members of {entry}"
        if len(set(entry["values"])) != len(entry["values"]):
            yield f"a value twice in {entry}"

    def _faults_of_object(self, entry: Entry) -> Iterator[str]:
        if not entry["name"].isdigit():
            yield f"name of {entry}"
        names = {member["name"]: member for member in entry["members"]}
        if len(names) != len(entry["members"]):
            yield f"a member twice in {entry}"
        if ("tag" in entry) != ("variants" in entry):
            yield f"half a union: {entry}"
        if "tag" not in entry:
            return
        tag = names[entry["tag"]]
        if "default" in tag or self.types[tag["type"]]["meta-type"] != "enum":
            yield f"tag of {entry}"
        cases = [variant["case"] for variant in entry["variants"]]
        if sorted(cases) != sorted(self.types[tag["type"]]["values"]):
            yield f"cases of {entry}"
        for variant in entry["variants"]:
            branch = self.types[variant["type"]]
            if {member["name"] for member in branch["members"]} & names.keys():
                yield f"a branch repeats a member of {entry}"

    def _faults_of_alternate(self, entry: Entry) -> Iterator[str]:
        kinds = [self._json_type(member["type"]) for member in entry["members"]]
        if len(set(kinds)) != len(kinds):
            yield f"{entry} can't be told apart"

    def _json_type(self, name: str) -> str:
        entry = self.types[name]
        by_kind = {"array": "array", "object": "object", "enum": "string"}
        return by_kind.get(entry["meta-type"]) or entry["json-type"]
