"""Flat unions: QAPI's order of complaints, whatever the tag says."""

from typing import Any

import pytest

from protocol.arguments import validate
from protocol.command import command, record_of
from protocol.errors import QmpError
from protocol.model import QapiEnum, UInt64, WireModel
from protocol.union import FlatUnion


class Kind(QapiEnum):
    RAM = "memory-backend-ram"
    THREAD = "iothread"
    PLAIN = "can-bus"


class Ram(WireModel):
    size: UInt64
    share: bool | None = None


class Thread(WireModel):
    poll_max_ns: UInt64 | None = None


class Options(FlatUnion, tag="qom_type", branches={Kind.RAM: Ram, Kind.THREAD: Thread}):
    qom_type: Kind
    id_: str


class Wrapper(WireModel):
    backends: list[Options]


@command("object-add", boxed=True)
def object_add(_context: object, options: Options) -> None:
    """Take an object."""
    del options


def taken(**given: Any) -> Any:
    record = record_of(object_add)
    assert record is not None
    arguments = {name.replace("_", "-"): value for name, value in given.items()}
    return validate(record.arguments, arguments, record.boxed)["options"]


@pytest.mark.parametrize(
    ("given", "desc"),
    [
        ({}, "Parameter 'qom-type' is missing"),
        ({"id": "x"}, "Parameter 'qom-type' is missing"),
        ({"qom_type": "nosuch"}, "Parameter 'qom-type' does not accept value 'nosuch'"),
        ({"qom_type": "nosuch", "foo": 1}, "Parameter 'qom-type' does not accept value 'nosuch'"),
        ({"qom_type": 1}, "Invalid parameter type for 'qom-type', expected: string"),
        ({"qom_type": None}, "Invalid parameter type for 'qom-type', expected: string"),
        ({"qom_type": []}, "Invalid parameter type for 'qom-type', expected: string"),
        ({"qom_type": "iothread"}, "Parameter 'id' is missing"),
        ({"qom_type": "iothread", "id": "x", "foo": 1}, "Parameter 'foo' is unexpected"),
        ({"qom_type": "iothread", "id": "x", "size": 1}, "Parameter 'size' is unexpected"),
        ({"qom_type": "can-bus", "id": "x", "size": 1}, "Parameter 'size' is unexpected"),
        (
            {"foo": 1, "qom_type": "iothread", "id": "x", "poll_max_ns": "g"},
            "Parameter 'poll-max-ns' expects uint64",
        ),
        (
            {"qom_type": "memory-backend-ram", "id": "x", "foo": 1},
            "Parameter 'size' is missing",
        ),
        (
            {"qom_type": "memory-backend-ram", "id": "x", "size": 1, "share": None},
            "Invalid parameter type for 'share', expected: boolean",
        ),
    ],
)
def test_what_is_wrong_is_told_in_order(given: dict[str, Any], desc: str) -> None:
    with pytest.raises(QmpError) as refused:
        taken(**given)
    assert refused.value.desc == desc


def test_the_variant_is_the_branch_of_the_tag() -> None:
    options = taken(qom_type="memory-backend-ram", id="m", size=4096)
    assert isinstance(options, Options)
    assert (options.id_, options.variant) == ("m", Ram(size=4096))
    assert taken(qom_type="can-bus", id="c").variant == WireModel()


def test_a_member_of_a_structure_may_be_a_union() -> None:
    given: dict[str, Any] = {"backends": [{"qom-type": "iothread", "id": "i"}, {"id": "j"}]}
    with pytest.raises(QmpError, match=r"^Parameter 'backends\[1\].qom-type' is missing$"):
        validate(Wrapper, given)
    del given["backends"][1]
    (thread,) = validate(Wrapper, given)["backends"]
    assert thread.variant == Thread()


def test_a_union_in_a_reply_has_all_its_members() -> None:
    @command("query-objects")
    def query_objects(_context: object) -> list[Options]:
        """List them."""
        return [Options.of("memory-backend-ram", id_="m", size=1), Options.of("can-bus", id_="c")]

    record = record_of(query_objects)
    assert record is not None
    assert record.encode(query_objects(None)) == (
        b'[{"qom-type": "memory-backend-ram", "id": "m", "size": 1}, '
        b'{"qom-type": "can-bus", "id": "c"}]'
    )
