"""Commands, events and models, as declared, and the introspection that derives from them."""

from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import ValidationError

from protocol import capabilities
from protocol.command import CommandTable, collect, command, record_of
from protocol.event import collect_events
from protocol.qapi import acpi, machine, qdev, run_state
from protocol.qapi.machine import CpuInstanceProperties
from protocol.schema import build_schema
from tests.protocol import commands

EVENTS = collect_events((acpi, qdev, run_state))


def module_of(*members: Any) -> ModuleType:
    names = {f"member{index}": member for index, member in enumerate(members)}
    return cast("ModuleType", SimpleNamespace(**names))


def schema_of(table: CommandTable) -> dict[tuple[bool, str], dict[str, Any]]:
    entries = build_schema(table, EVENTS)
    return {(e["meta-type"] in ("command", "event"), e["name"]): e for e in entries}


def test_a_decorated_function_is_still_itself() -> None:
    assert commands.query_uuid(commands.Board(uuid="u")).uuid == "u"


def test_the_record_says_what_was_declared(table: CommandTable) -> None:
    record = table["query-name"]
    assert record.kept is not None
    assert (record.allow_preconfig, record.allow_oob) == (False, False)
    assert record.summary == "Tell the name."
    assert record.arguments is None
    assert record is record_of(commands.query_name)


def test_the_table_cannot_be_changed(table: CommandTable) -> None:
    with pytest.raises(TypeError):
        table["x"] = table["quit"]  # type: ignore[index]


def test_a_name_declared_twice_is_refused() -> None:
    @command("quit")
    def other(_board: object) -> None:
        """Clash."""

    with pytest.raises(ValueError, match="quit is declared twice"):
        collect((commands, module_of(other)))


def test_a_command_without_docstring_is_refused() -> None:
    def bare(_board: object) -> None: ...

    with pytest.raises(TypeError, match="needs a docstring"):
        command("bare")(bare)


def test_the_type_of_the_context_need_not_exist_at_run_time() -> None:
    def handler(board: "Nowhere", path: "str") -> "int":  # type: ignore[name-defined]  # noqa: ARG001, F821
        """Return a number."""
        return 1

    assert record_of(command("x")(handler)) is not None


def test_events_are_found_by_their_wire_names() -> None:
    assert EVENTS["ACPI_DEVICE_OST"] is acpi.AcpiDeviceOst
    assert {"STOP", "RESUME", "RESET", "POWERDOWN", "SHUTDOWN", "DEVICE_DELETED"} <= set(EVENTS)


def test_a_model_is_frozen_and_strict() -> None:
    props = CpuInstanceProperties(core_id=1)
    with pytest.raises(ValidationError):
        props.core_id = 2  # type: ignore[misc]
    with pytest.raises(ValidationError):
        CpuInstanceProperties(core_id=cast("int", "1"))


def test_every_type_that_the_schema_names_is_in_it(table: CommandTable) -> None:
    schema = schema_of(table)
    for entry in schema.values():
        named = [entry[key] for key in ("arg-type", "ret-type", "element-type") if key in entry]
        if entry["meta-type"] == "object":
            named += [member["type"] for member in entry["members"]]
        assert all((False, name) in schema for name in named), entry


def test_every_type_in_the_schema_is_reached(table: CommandTable) -> None:
    schema = schema_of(table)
    pending, seen = [key for key in schema if key[0]], set()
    while pending:
        entry = schema[key := pending.pop()]
        if key in seen:
            continue
        seen.add(key)
        pending += [
            (False, entry[k]) for k in ("arg-type", "ret-type", "element-type") if k in entry
        ]
        if entry["meta-type"] == "object":
            pending += [(False, member["type"]) for member in entry["members"]]
    assert seen == set(schema)


def test_the_schema_has_no_name_twice(table: CommandTable) -> None:
    names = [entry["name"] for entry in build_schema(table, EVENTS)]
    assert len(names) == len(set(names))


def test_every_command_and_event_is_in_the_schema(table: CommandTable) -> None:
    assert {name for top, name in schema_of(table) if top} == {*table, *EVENTS}


def test_structures_hide_their_names_and_builtins_show_theirs(table: CommandTable) -> None:
    schema = schema_of(table)
    names = {name for top, name in schema if not top}
    opaque = {name for name in names if schema[False, name]["meta-type"] in ("object", "enum")}
    assert all(name.isdigit() for name in opaque)
    assert {"str", "int", "bool", "any", "[str]"} <= names


def test_members_show_their_types_and_which_are_optional(table: CommandTable) -> None:
    schema = schema_of(table)
    arguments = schema[False, schema[True, "set-numbers"]["arg-type"]]
    assert arguments["members"] == [
        {"name": "small", "type": "int"},
        {"name": "large", "type": "int", "default": None},
        {"name": "on", "type": "bool", "default": None},
        {"name": "names", "type": "[str]", "default": None},
    ]


def test_a_reply_that_is_a_list_shows_its_element(table: CommandTable) -> None:
    schema = schema_of(table)
    array = schema[False, schema[True, "query-cpus-fast"]["ret-type"]]
    element = schema[False, array["element-type"]]
    assert array["name"] == f"[{element['name']}]"
    assert {m["name"] for m in element["members"]} == {
        "cpu-index", "qom-path", "thread-id", "props", "target",
    }  # fmt: skip


def test_device_add_is_introspected_although_it_validates_nothing(table: CommandTable) -> None:
    schema = schema_of(table)
    members = schema[False, schema[True, "device_add"]["arg-type"]]["members"]
    assert [member["name"] for member in members] == ["driver", "bus", "id"]


def test_only_commands_that_may_run_out_of_band_say_so(table: CommandTable) -> None:
    schema = schema_of(table)
    assert {name for (top, name), e in schema.items() if top and "allow-oob" in e} == {
        "migrate-pause", "migrate-recover",
    }  # fmt: skip


def test_negotiation_is_an_ordinary_entry() -> None:
    table = collect((capabilities,))
    schema = schema_of(table)
    (member,) = schema[False, schema[True, "qmp_capabilities"]["arg-type"]]["members"]
    assert member["name"] == "enable"


def test_uuid_keeps_its_spelling() -> None:
    assert machine.UuidInfo(uuid="x").model_dump(by_alias=True) == {"UUID": "x"}
