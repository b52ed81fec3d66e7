"""The hierarchy of types, and what introspection says of each."""

from __future__ import annotations

import pytest

from machine.errors import DeviceNotFoundError, MachineError
from machine.qom.types import TYPES, QomType, TypeTable
from tests.machine.board import CPU


@pytest.fixture
def types() -> TypeTable:
    return TypeTable(TYPES)


def names(types: TypeTable, implements: str | None, *, abstract: bool = False) -> set[str]:
    return {entry.name for entry in types.list(implements, abstract=abstract)}


def test_parents_and_interfaces_are_types_themselves() -> None:
    known = {entry.name: entry for entry in TYPES}
    assert len(known) == len(TYPES)
    for entry in TYPES:
        assert entry.parent is None or known[entry.parent]
        for name in entry.interfaces:
            assert known[name].parent == "interface"


def test_only_types_with_instances_are_listed_unless_abstract_ones_are_wanted(
    types: TypeTable,
) -> None:
    assert names(types, "sys-bus-device") == {
        "acpi-ged",
        "arm-gicv3",
        "pl011",
        "pl031",
        "pvpanic-mmio",
    }
    assert names(types, "sys-bus-device", abstract=True) == {
        "pl011",
        "pl031",
        "pvpanic-mmio",
        "acpi-ged",
        "arm-gicv3",
        "arm-gicv3-common",
        "sys-bus-device",
    }
    assert names(types, "nosuch", abstract=True) == set()
    assert names(types, None, abstract=True) == {entry.name for entry in TYPES}


def test_an_interface_is_implemented_by_those_that_have_it_and_their_heirs(
    types: TypeTable,
) -> None:
    assert names(types, "hotplug-handler") == {"acpi-ged", "virt-9.2-machine"}
    assert names(types, "hotplug-handler", abstract=True) == {
        "acpi-ged",
        "hotplug-handler",
        "virt-9.2-machine",
        "virt-machine",
    }
    assert CPU in names(types, "resettable")
    assert not types.implements(CPU, "interface")  # two of them: QOM can't say which
    assert types.implements("System", "interface")


def test_an_instance_has_its_parents_properties_before_its_own(types: TypeTable) -> None:
    ged = [entry.name for entry in types.properties("acpi-ged")]
    assert ged == ["type", "parent_bus", "realized", "hotplugged", "hotpluggable", "ged-event"]
    cpu = [entry.name for entry in types.properties(CPU)]
    assert cpu[: len(ged) - 1] == ged[:-1]
    assert [entry.name for entry in types.properties("arm-cpu")] == cpu[:18]
    assert len(set(cpu)) == len(cpu)


def test_what_every_device_has_is_not_told_of_each(types: TypeTable) -> None:
    (event,) = types.device_properties("acpi-ged")
    assert (event.name, event.type, event.default) == ("ged-event", "uint32", 0)
    assert "legacy-memory" not in {entry.name for entry in types.device_properties(CPU)}


@pytest.mark.parametrize("name", ["device", "object", "cpu", "container", "hotplug-handler"])
def test_only_devices_of_which_there_are_some_have_a_devices_properties(
    types: TypeTable, name: str
) -> None:
    with pytest.raises(MachineError, match=r"^Parameter 'typename' expects a non-abstract device"):
        types.device_properties(name)


def test_what_is_no_type_is_not_found(types: TypeTable) -> None:
    with pytest.raises(DeviceNotFoundError, match=r"^Device 'nosuch' not found"):
        types.device_properties("nosuch")
    with pytest.raises(DeviceNotFoundError, match=r"^Class 'nosuch' not found"):
        types.properties("nosuch")
    with pytest.raises(MachineError, match=r"^Parameter 'typename' expects a QOM type"):
        types.properties("resettable")


def test_types_can_be_added(types: TypeTable) -> None:
    types.add([QomType("chardev", "object", abstract=True), QomType("chardev-null", "chardev")])
    assert names(types, "chardev") == {"chardev-null"}
    assert [entry.name for entry in types.properties("chardev-null")] == ["type"]
