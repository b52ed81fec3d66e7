"""What the daemon says of itself: one schema, the same commands everywhere, and true types."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import TypeAdapter

from protocol.qapi.introspect import SchemaInfo
from tests.box import Box
from tests.protocol.introspection import Schema

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    made = Box()
    yield made
    made.close()


@pytest.fixture(scope="module")
def schema(box: Box) -> Schema:
    return Schema(box.returned("query-qmp-schema"))


def test_the_schema_is_sound(schema: Schema) -> None:
    assert list(schema.faults()) == []


def test_the_schema_is_of_the_type_that_it_says(box: Box) -> None:
    entries = box.returned("query-qmp-schema")
    models = TypeAdapter(list[SchemaInfo]).validate_python(entries)
    assert [model.name for model in models] == [entry["name"] for entry in entries]


def test_the_schema_has_the_commands_that_are_listed(box: Box, schema: Schema) -> None:
    listed = [entry["name"] for entry in box.returned("query-commands")]
    assert [e["name"] for e in schema.entries if e["meta-type"] == "command"] == listed


@pytest.mark.parametrize(
    "path",
    [
        "query-hotpluggable-cpus/ret-type/props/cluster-id",
        "query-hotpluggable-cpus/ret-type/*qom-path",
        "query-cpus-fast/ret-type/target/^aarch64",
        "query-qmp-schema/ret-type/meta-type/^alternate",
        "query-qmp-schema/ret-type/+object/*variants/case",
        "query-qmp-schema/ret-type/+command/*allow-oob/!bool",
        "device_add/arg-type/driver",
        "device_add/$json-cli",
        "device_add/$json-cli-hotplug",
        "object-add/arg-type/qom-type/^authz-simple",
        "object-add/arg-type/+authz-simple/identity/!str",
        "object-add/arg-type/+tls-creds-x509/*verify-peer",
        "qom-set/arg-type/value/!any",
        "qom-list-types/arg-type/*implements",
        "qom-list-properties/ret-type/*default-value",
        "qmp_capabilities/arg-type/*enable/^oob",
        "x-query-vcpus/$unstable",
        "ACPI_DEVICE_OST/arg-type/info/slot-type/^CPU",
        "DEVICE_DELETED/arg-type/*device",
    ],
)
def test_what_a_client_looks_for_is_there(schema: Schema, path: str) -> None:
    assert schema.has(path)


@pytest.mark.parametrize(
    "path",
    [
        "query-hotpluggable-cpus/ret-type/props/die-id",
        "device_add/$unstable",
        "object-add/arg-type/qom-type/^iothread",
        "object-add/arg-type/*qom-type",
        "qom-set/arg-type/*value",
        "query-sev",
        "blockdev-add",
    ],
)
def test_what_is_not_there_is_not_told(schema: Schema, path: str) -> None:
    assert not schema.has(path)


def test_a_value_is_a_must_for_qom_set(box: Box) -> None:
    answer = box.ask("qom-set", path="/machine", property="type")
    assert answer["error"]["desc"] == "Parameter 'value' is missing"
    answer = box.ask("qom-set", path="/machine/unattached/device[0]", property="pmu", value=None)
    assert answer["error"]["desc"] == "Invalid parameter type for 'pmu', expected: boolean"


def test_an_unknown_object_has_a_class_of_its_own(box: Box) -> None:
    for name, arguments, desc in (
        ("qom-set", {"path": "/nosuch", "property": "x", "value": 1}, "Device '/nosuch' not found"),
        ("qom-list", {"path": "nosuch"}, "Device 'nosuch' not found"),
        ("qom-list-properties", {"typename": "nosuch"}, "Class 'nosuch' not found"),
        ("device-list-properties", {"typename": "nosuch"}, "Device 'nosuch' not found"),
    ):
        error = box.ask(name, **arguments)["error"]
        assert error == {"class": "DeviceNotFound", "desc": desc}


def test_types_are_listed_with_parents_and_abstract_ones_say_so(box: Box) -> None:
    listed = box.returned("qom-list-types", implements="cpu", abstract=True)
    assert {"name": "cpu", "abstract": True, "parent": "device"} in listed
    assert {"name": "cortex-a72-arm-cpu", "parent": "aarch64-cpu"} in listed
    assert box.returned("qom-list-types", implements="nosuch") == []


def test_the_properties_of_a_type_are_those_of_its_objects(box: Box) -> None:
    listed = box.returned("qom-list-properties", typename="cortex-a72-arm-cpu")
    actual = box.returned("qom-list", path="/machine/unattached/device[0]")
    assert [(e["name"], e["type"]) for e in listed] == [(e["name"], e["type"]) for e in actual]
