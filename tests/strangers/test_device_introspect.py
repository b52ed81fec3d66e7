"""What QEMU's suite for introspection does: each type is asked about, which changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.strangers.monitor import monitored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.strangers.monitor import Prompt, TypedMonitor

CPU = "cortex-a72-arm-cpu"
NO_DEVICE = "Parameter 'typename' expects a non-abstract device type"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TypedMonitor, Prompt]]:
    with monitored(tmp_path_factory.mktemp("introspect"), "-smp", "2,maxcpus=4") as machine:
        yield machine


@pytest.fixture
def monitor(machine: tuple[TypedMonitor, Prompt]) -> TypedMonitor:
    return machine[0]


@pytest.fixture
def prompt(machine: tuple[TypedMonitor, Prompt]) -> Prompt:
    return machine[1]


@pytest.fixture
def parents(monitor: TypedMonitor) -> dict[str, str | None]:
    """Every type's parent."""
    listed = monitor.get("qom-list-types", abstract=True)
    assert len({entry["name"] for entry in listed}) == len(listed)
    return {entry["name"]: entry.get("parent") for entry in listed}


def ancestry(parents: dict[str, str | None], name: str | None) -> list[str]:
    found = []
    while name is not None:
        found.append(name)
        name = parents[name]
    return found


def names(monitor: TypedMonitor, implements: str, *, abstract: bool) -> set[str]:
    listed = monitor.get("qom-list-types", implements=implements, abstract=abstract)
    return {entry["name"] for entry in listed}


def devices(monitor: TypedMonitor) -> list[str]:
    found = sorted(names(monitor, "device", abstract=False))
    assert CPU in found
    return found


def trees(prompt: Prompt) -> list[list[str]]:
    return [prompt.type("info qtree"), prompt.type("info qom-tree"), prompt.type("info mtree -f")]


def test_abstract_types_are_listed_on_request_only(monitor: TypedMonitor) -> None:
    every = monitor.get("qom-list-types", abstract=True)
    concrete = [entry for entry in every if not entry.get("abstract", False)]
    assert 0 < len(concrete) < len(every)
    assert monitor.get("qom-list-types") == concrete
    assert monitor.get("qom-list-types", abstract=False) == concrete


@pytest.mark.parametrize("abstract", [False, True])
@pytest.mark.parametrize("class_", ["object", "device", "cpu", "bus", "machine", "memory-backend"])
def test_a_class_is_implemented_by_its_descendants(
    monitor: TypedMonitor, parents: dict[str, str | None], class_: str, *, abstract: bool
) -> None:
    wanted = {name for name in parents if class_ in ancestry(parents, name)}
    if not abstract:
        wanted &= {entry["name"] for entry in monitor.get("qom-list-types")}
    assert names(monitor, class_, abstract=abstract) == wanted


def test_every_type_descends_from_object_or_from_interface(parents: dict[str, str | None]) -> None:
    assert {ancestry(parents, name)[-1] for name in parents} == {"object", "interface"}


def test_no_type_implements_what_does_not_exist(monitor: TypedMonitor) -> None:
    assert names(monitor, "no-such-type", abstract=True) == set()
    assert monitor.refused("device-list-properties", typename="no-such-type") == (
        "DeviceNotFound",
        "Device 'no-such-type' not found",
    )
    assert monitor.refused("qom-list-properties", typename="no-such-type") == (
        "DeviceNotFound",
        "Class 'no-such-type' not found",
    )


def test_the_properties_of_each_class_are_told(
    monitor: TypedMonitor, parents: dict[str, str | None]
) -> None:
    for name in parents:
        if ancestry(parents, name)[-1] == "interface":
            refusal = monitor.refused("qom-list-properties", typename=name)
            assert refusal == ("GenericError", "Parameter 'typename' expects a QOM type")
            continue
        found = [entry["name"] for entry in monitor.get("qom-list-properties", typename=name)]
        assert found[0] == "type"
        assert len(set(found)) == len(found)


def test_what_is_no_device_has_no_properties_of_one(
    monitor: TypedMonitor, parents: dict[str, str | None]
) -> None:
    for name in parents.keys() - set(devices(monitor)):
        refusal = monitor.refused("device-list-properties", typename=name)
        assert refusal == ("GenericError", NO_DEVICE), name


def test_what_cannot_be_plugged_is_refused_for_what_it_is(
    monitor: TypedMonitor, parents: dict[str, str | None]
) -> None:
    concrete = devices(monitor)
    for name in parents:
        if "cpu" in ancestry(parents, name) and name in concrete:
            continue
        if "device" not in ancestry(parents, name):
            refusal = f"'{name}' is not a valid device model name"
        elif name in concrete:
            refusal = "Parameter 'driver' expects a pluggable device type"
        else:
            refusal = "Parameter 'driver' expects a non-abstract device type"
        assert monitor.refused("device_add", driver=name) == ("GenericError", refusal)


def test_asking_about_a_device_changes_nothing(monitor: TypedMonitor, prompt: Prompt) -> None:
    before = trees(prompt)
    for name in devices(monitor):
        told = {entry["name"] for entry in monitor.get("device-list-properties", typename=name)}
        every = {entry["name"] for entry in monitor.get("qom-list-properties", typename=name)}
        assert told < every
        title, *shown = prompt.type(f"device_add {name},help")
        assert title == f"{name} options:"
        assert {line.strip().partition("=")[0] for line in shown} == told
        assert monitor.human(f"device_add {name},help").splitlines() == [title, *shown]
    assert trees(prompt) == before


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        ("device_add nonexistent,help", "Device 'nonexistent' not found"),
        ("device_add device,help", NO_DEVICE),
        ("device_add container,help", NO_DEVICE),
    ],
)
def test_help_on_what_is_no_device_is_an_error_and_no_more(
    prompt: Prompt, line: str, printed: str
) -> None:
    assert prompt.type(line) == [printed]
