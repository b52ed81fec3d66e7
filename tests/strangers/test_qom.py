"""What QEMU's suite for objects does: from `/` down, everything is listed, and all of it read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.strangers.monitor import monitored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.strangers.monitor import Prompt, TypedMonitor

CPU = "cortex-a72-arm-cpu"
SMP = ("-smp", "2,maxcpus=4")
UNREADABLE = {"legacy-memory"}


class Tree:
    """Every object by its path, with its properties, as one walk has found them."""

    def __init__(self, monitor: TypedMonitor) -> None:
        self._monitor = monitor
        self.types: dict[str, str] = {}
        self.links: set[str] = set()
        self._visit("")

    def _visit(self, path: str) -> None:
        listed = self._monitor.get("qom-list", path=path or "/")
        names = [entry["name"] for entry in listed]
        assert len(set(names)) == len(names), path
        values = dict(zip(names, self._values(path or "/", names), strict=True))
        self.types[path or "/"] = values.get("type", "")
        for entry in listed:
            self._property(path, entry, values[entry["name"]])

    def _values(self, path: str, names: list[str]) -> Iterator[Any]:
        asked = [{"path": path, "property": name} for name in names]
        for name, answer in zip(names, self._monitor.ask_all("qom-get", asked), strict=True):
            assert ("return" in answer) != (name in UNREADABLE), (path, name, answer)
            yield answer.get("return")

    def _property(self, path: str, entry: dict[str, Any], value: Any) -> None:
        kind, _, target = entry["type"].removesuffix(">").partition("<")
        if kind == "child":
            assert value == f"{path}/{entry['name']}"
            self._visit(value)
            assert self.types[value] == target
        elif kind == "link":
            assert isinstance(value, str)
            self.links |= {value} - {""}


def walked(monitor: TypedMonitor) -> Tree:
    """The tree; where links lead, there is something."""
    tree = Tree(monitor)
    assert tree.links <= tree.types.keys()
    return tree


def cpus(tree: Tree) -> list[str]:
    return sorted(path for path, type_ in tree.types.items() if type_ == CPU)


def plugged(tree: Tree) -> list[str]:
    return [path for path in cpus(tree) if path.startswith("/machine/peripheral")]


def test_the_tree_can_be_read_before_the_machine_runs(tmp_path: Path) -> None:
    with monitored(tmp_path, *SMP, "-S") as (monitor, _prompt):
        before = walked(monitor)
        monitor.get("cont")
        assert walked(monitor).types == before.types


def test_the_tree_can_be_read_while_cpus_come_and_go(tmp_path: Path) -> None:
    with monitored(tmp_path, *SMP) as (monitor, prompt):
        before = walked(monitor)
        assert len(cpus(before)) == 2
        monitor.get("device_add", driver=CPU, id="named", core_id=2)
        monitor.get("device_add", driver=CPU, core_id=3)
        full = walked(monitor)
        assert plugged(full) == [
            "/machine/peripheral-anon/device[0]",
            "/machine/peripheral/named",
        ]
        agrees_with_the_text(full, prompt)
        for path in ("named", "/machine/peripheral-anon/device[0]"):
            monitor.get("device_del", id=path)
            monitor.wait_for("DEVICE_DELETED")
        assert walked(monitor).types == before.types


def test_objects_of_users_are_in_the_tree_like_all_others(tmp_path: Path) -> None:
    with monitored(tmp_path, *SMP) as (monitor, prompt):
        before = walked(monitor)
        monitor.get("object-add", qom_type="authz-simple", id="one", identity="me")
        monitor.get("object-add", qom_type="authz-list", id="two")
        with_objects = walked(monitor)
        assert with_objects.types.keys() - before.types.keys() == {"/objects/one", "/objects/two"}
        agrees_with_the_text(with_objects, prompt)


@pytest.mark.parametrize(
    "options", [("-smp", "1", "-M", "virt,acpi=off"), ("-smp", "3,maxcpus=9")], ids=" ".join
)
def test_the_tree_of_other_machines_can_be_read(tmp_path: Path, options: tuple[str, ...]) -> None:
    with monitored(tmp_path, *options) as (monitor, prompt):
        agrees_with_the_text(walked(monitor), prompt)


def agrees_with_the_text(tree: Tree, prompt: Prompt) -> None:
    """`info qom-tree` shows what is below an object, by indentation, and `qom-list` the same."""
    path: list[str] = []
    shown = {}
    for line in prompt.type("info qom-tree /"):
        name, _, type_ = line.strip().removesuffix(")").rpartition(" (")
        path[(len(line) - len(line.lstrip())) // 2 :] = [name]
        shown["".join(path[1:]) or "/"] = type_
    assert shown == tree.types | {"/": "container"}
