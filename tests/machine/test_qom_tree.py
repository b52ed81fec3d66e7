"""The object tree's own rules, on objects that are made up: paths, reading, writing, mounts."""

from __future__ import annotations

import pytest

from machine.errors import DeviceNotFoundError, MachineError
from machine.qom.node import Node, Property, container
from machine.qom.tree import QomTree


def shelf(names: list[str]) -> Node:
    node = container()
    for name in names:
        node.add(name, "book", lambda: Node("book"))
    return node


@pytest.fixture
def tree() -> QomTree:
    made = QomTree("virt-machine", lambda: Node("virt-machine"))
    made.mount("objects", "container", lambda: shelf(["one"]))
    return made


def test_what_is_mounted_is_listed_beside_the_machine(tree: QomTree) -> None:
    assert tree.properties("/") == [
        ("type", "string"),
        ("machine", "child<virt-machine>"),
        ("objects", "child<container>"),
    ]
    assert tree.get("/objects/one", "type") == "book"


def test_a_mounted_container_is_made_anew_each_time() -> None:
    names: list[str] = []
    tree = QomTree("virt-machine", lambda: Node("virt-machine"))
    tree.mount("objects", "container", lambda: shelf(names))
    names.append("late")
    assert tree.properties("/objects") == [("type", "string"), ("late", "child<book>")]


def test_the_value_of_a_child_is_its_canonical_path(tree: QomTree) -> None:
    assert tree.get("//objects/", "one") == "/objects/one"
    assert tree.get("objects", "one") == "/objects/one"


def test_the_end_of_a_path_finds_the_one_object_that_has_it(tree: QomTree) -> None:
    assert tree.locate("one")[0] == tree.locate("objects/one")[0] == "/objects/one"
    tree.mount("chardevs", "container", lambda: shelf(["one"]))
    with pytest.raises(MachineError, match=r"^Path 'one' is ambiguous$"):
        tree.properties("one")
    with pytest.raises(DeviceNotFoundError, match=r"^Device 'one' not found$"):
        tree.get("one", "type")
    with pytest.raises(DeviceNotFoundError, match=r"^Device 'none' not found$"):
        tree.resolve("none")


def test_a_property_is_written_where_it_can_be(tree: QomTree) -> None:
    kept: list[object] = []

    def dial() -> Node:
        entry = Property("uint8", lambda: 1, kept.append)
        return Node("dial", {"volume": entry, "serial": Property("string", lambda: "x")})

    tree.mount("dial", "dial", dial)
    tree.set("/dial", "volume", 255)
    assert kept == [255]
    for name, value, text in (
        ("volume", "7", "Parameter 'volume' expects uint64"),
        ("volume", True, "Parameter 'volume' expects uint64"),
        ("volume", 256, "Parameter 'volume' expects uint8_t"),
        ("serial", "y", "Property 'dial.serial' is not writable"),
        ("nothing", 1, "Property 'dial.nothing' not found"),
    ):
        with pytest.raises(MachineError) as refused:
            tree.set("/dial", name, value)
        assert str(refused.value) == text
    assert kept == [255]
