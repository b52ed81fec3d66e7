"""What QEMU's suite for commands asks: a schema that is sound, and queries that keep to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.protocol.introspection import Schema
from tests.strangers.conformity import Conformity, NotConformingError
from tests.strangers.monitor import monitored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.strangers.monitor import TypedMonitor

CPU = "cortex-a72-arm-cpu"
STATES: dict[str, tuple[str, ...]] = {
    "not yet started": ("-S",),
    "room for CPUs": ("-smp", "2,maxcpus=6", "-name", "a name"),
    "without ACPI": ("-M", "virt,acpi=off"),
    "all levels of a topology": ("-smp", "4,maxcpus=8,sockets=2,clusters=1,cores=2,threads=2"),
}


@pytest.fixture(params=STATES.values(), ids=list(STATES))
def machine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TypedMonitor]:
    with monitored(tmp_path_factory.mktemp("cmd"), *request.param) as (monitor, _prompt):
        yield monitor


@pytest.fixture(scope="module")
def monitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TypedMonitor]:
    options = STATES["room for CPUs"]
    with monitored(tmp_path_factory.mktemp("objects"), *options) as (monitor, _prompt):
        yield monitor


def test_every_query_returns_what_the_schema_promises(machine: TypedMonitor) -> None:
    entries = machine.get("query-qmp-schema")
    assert list(Schema(entries).faults()) == []
    schema = Conformity(entries)
    commands = [e["name"] for e in entries if e["meta-type"] == "command"]
    queries = [name for name in commands if "query-" in name and schema.takes_nothing(name)]
    assert len(queries) > 15
    without_acpi = machine.get("qom-get", path="/machine", property="acpi") == "off"
    for name in queries:
        if name == "query-acpi-ospm-status" and without_acpi:
            missing = "command is not supported, missing ACPI device"
            assert machine.refused(name) == ("GenericError", missing)
        else:
            schema.check_return(name, machine.get(name))


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("query-name", []),
        ("query-name", {"name": 5}),
        ("query-name", {"name": None}),
        ("query-name", {"title": "x"}),
        ("query-status", {"running": True}),
        ("query-status", {"running": True, "status": "dozing"}),
        ("query-cpus-fast", {}),
        ("query-cpus-fast", [1]),
        ("query-kvm", {"enabled": 0, "present": False}),
    ],
)
def test_what_is_not_as_promised_would_be_noticed(
    monitor: TypedMonitor, command: str, wrong: Any
) -> None:
    assert monitor.schema is not None
    with pytest.raises(NotConformingError):
        monitor.schema.check_return(command, wrong)


def test_objects_that_cannot_be_added_leave_nothing(monitor: TypedMonitor) -> None:
    good = {"qom_type": "authz-simple", "id": "auth", "identity": "fred"}
    for left_out in good:
        given = {name: value for name, value in good.items() if name != left_out}
        missing = f"Parameter '{left_out.replace('_', '-')}' is missing"
        assert monitor.refused("object-add", **given) == ("GenericError", missing)
    for changed, text in (
        ({"qom_type": "nosuch"}, "Parameter 'qom-type' does not accept value 'nosuch'"),
        ({"qom_type": 5}, "Invalid parameter type for 'qom-type', expected: string"),
        ({"id": 7}, "Invalid parameter type for 'id', expected: string"),
        ({"id": "7 of 9"}, "Parameter 'id' expects an identifier"),
        ({"identity": []}, "Invalid parameter type for 'identity', expected: string"),
        ({"identity": None}, "Invalid parameter type for 'identity', expected: string"),
        ({"size": 1}, "Parameter 'size' is unexpected"),
        ({"props": {"identity": "fred"}}, "Parameter 'props' is unexpected"),
    ):
        assert monitor.refused("object-add", **(good | changed)) == ("GenericError", text)
    assert monitor.refused("object-del", id="auth") == ("GenericError", "object 'auth' not found")


def test_an_object_is_added_once_and_deleted_once(monitor: TypedMonitor) -> None:
    good = {"qom_type": "authz-simple", "id": "auth", "identity": "fred"}
    for _ in range(2):
        monitor.get("object-add", **good)
        assert monitor.refused("object-add", **good) == (
            "GenericError",
            "attempt to add duplicate property 'auth' to object (type 'container')",
        )
        assert monitor.get("qom-get", path="/objects/auth", property="identity") == "fred"
        monitor.get("object-del", id="auth")
        assert monitor.refused("object-del", id="auth")[1] == "object 'auth' not found"
