"""The schema of made-up declarations: unions, features, numbers; and that the checker can fail."""

import copy
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest

from protocol.command import collect, command
from protocol.event import Event
from protocol.model import Int64, QapiEnum, WireModel
from protocol.schema import build_schema
from protocol.union import FlatUnion
from tests.protocol.introspection import Entry, Schema


class Kind(QapiEnum):
    RAM = "memory-backend-ram"
    PLAIN = "can-bus"
    ODD = "x-remote"


class Ram(WireModel):
    size: Int64
    x_share: bool | None = None


class Options(FlatUnion, tag="qom_type", branches={Kind.RAM: Ram}):
    qom_type: Kind
    id_: str


class Limit(Event, name="LIMIT"):
    """A limit was met."""

    of: list[Ram]


@command("object-add", boxed=True)
def object_add(_context: object, options: Options) -> None:
    """Take an object."""
    del options


@command("x-peek", allow_oob=True, features=("tested",))
def x_peek(_context: object, at: int | str) -> Any:
    """Look."""
    return at


@pytest.fixture
def entries() -> list[Entry]:
    module = cast("ModuleType", SimpleNamespace(a=object_add, b=x_peek))
    return build_schema(collect([module]), {"LIMIT": Limit})


def test_the_schema_is_sound(entries: list[Entry]) -> None:
    assert sound(entries)


def test_a_union_shows_its_tag_and_a_case_for_each_value(entries: list[Entry]) -> None:
    schema = Schema(entries)
    union = schema.types[schema.top["object-add"]["arg-type"]]
    assert union["tag"] == "qom-type"
    assert [member["name"] for member in union["members"]] == ["qom-type", "id"]
    branches = {case["case"]: schema.types[case["type"]]["members"] for case in union["variants"]}
    assert [member["name"] for member in branches["memory-backend-ram"]] == ["size", "x-share"]
    assert branches["can-bus"] == branches["x-remote"] == []


def test_paths_lead_where_a_client_looks(entries: list[Entry]) -> None:
    schema = Schema(entries)
    for path in (
        "object-add/arg-type/qom-type/^can-bus",
        "object-add/arg-type/+memory-backend-ram/size/!int",
        "object-add/arg-type/+memory-backend-ram/*x-share",
        "LIMIT/arg-type/of/size",
        "x-peek/$unstable",
        "x-peek/$tested",
    ):
        assert schema.has(path), path
    for path in (
        "nosuch",
        "object-add/arg-type/qom-type/^nosuch",
        "object-add/arg-type/+memory-backend-ram/*size",
        "object-add/arg-type/*id",
        "object-add/$unstable",
    ):
        assert not schema.has(path), path


def test_what_is_named_with_an_x_is_unstable(entries: list[Entry]) -> None:
    schema = Schema(entries)
    union = schema.types[schema.top["object-add"]["arg-type"]]
    (_, share) = schema.types[union["variants"][0]["type"]]["members"]
    assert share["features"] == ["unstable"]
    (*_, odd) = schema.types[union["members"][0]["type"]]["members"]
    assert odd == {"name": "x-remote", "features": ["unstable"]}
    assert schema.top["x-peek"]["features"] == ["tested", "unstable"]
    assert "features" not in schema.top["object-add"]


def test_a_choice_of_types_is_an_alternate(entries: list[Entry]) -> None:
    schema = Schema(entries)
    (member,) = schema.types[schema.top["x-peek"]["arg-type"]]["members"]
    assert schema.types[member["type"]]["members"] == [{"type": "int"}, {"type": "str"}]


def sound(entries: list[Entry]) -> bool:
    try:
        return not list(Schema(entries).faults())
    except KeyError:
        return False


def broken_name(entries: list[Entry]) -> None:
    next(e for e in entries if e["meta-type"] == "object")["name"] = "Options"


def lost_type(entries: list[Entry]) -> None:
    entries.remove(next(e for e in entries if e["meta-type"] == "enum"))


def idle_type(entries: list[Entry]) -> None:
    entries.append({"name": "99", "meta-type": "enum", "members": [], "values": []})


def lost_case(entries: list[Entry]) -> None:
    next(e for e in entries if "variants" in e)["variants"].pop()


def no_variants(entries: list[Entry]) -> None:
    del next(e for e in entries if "variants" in e)["variants"]


def twice(entries: list[Entry]) -> None:
    entries.append(copy.deepcopy(entries[0]))


def stray_member(entries: list[Entry]) -> None:
    entries[0]["summary"] = "text"


@pytest.mark.parametrize(
    "damage",
    [broken_name, lost_type, idle_type, lost_case, no_variants, twice, stray_member],
)
def test_the_checker_sees_damage(entries: list[Entry], damage: Any) -> None:
    damaged = copy.deepcopy(entries)
    damage(damaged)
    assert not sound(damaged)
