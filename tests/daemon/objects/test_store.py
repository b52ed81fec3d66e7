from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from daemon.objects.make import TYPES, read_options
from daemon.objects.store import Objects
from daemon.objects.types import OBJECT_TYPES
from machine.errors import MachineError
from machine.qom.node import Node, container
from machine.qom.tree import QomTree
from machine.qom.types import TYPES as MACHINE_TYPES
from machine.qom.types import TypeTable
from protocol.errors import QmpError
from protocol.qapi.objects import ObjectType
from tests.daemon.objects.pki import SERVER, create, folder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def objects() -> Objects:
    """One object."""
    made = Objects()
    create(made, "authz-simple", "z", identity="CN=alice")
    return made


def refusal(objects: Objects, members: dict[str, Any]) -> str:
    with pytest.raises(QmpError) as refused:
        objects.create(read_options(members))
    return refused.value.desc


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ({}, "Parameter 'qom-type' is missing"),
        ({"qom-type": "iothread"}, "Parameter 'qom-type' does not accept value 'iothread'"),
        ({"qom-type": "authz-simple"}, "Parameter 'id' is missing"),
        ({"qom-type": "authz-simple", "id": "a"}, "Parameter 'identity' is missing"),
        (
            {"qom-type": "authz-simple", "id": "a", "identity": "x", "foo": 1},
            "Parameter 'foo' is unexpected",
        ),
        (
            {"qom-type": "authz-simple", "id": "z", "identity": "x"},
            "attempt to add duplicate property 'z' to object (type 'container')",
        ),
        (
            {"qom-type": "authz-simple", "id": "1", "identity": "x"},
            "Parameter 'id' expects an identifier",
        ),
        (
            {"qom-type": "authz-simple", "id": "", "identity": "x"},
            "Parameter 'id' expects an identifier",
        ),
        ({"qom-type": "tls-creds-x509", "id": "t"}, "Missing 'dir' property value"),
        (
            {"qom-type": "tls-creds-x509", "id": "t", "verify-peer": "yes"},
            "Invalid parameter type for 'verify-peer', expected: boolean",
        ),
        (
            {"qom-type": "authz-list", "id": "l", "rules": [{"match": "x"}]},
            "Parameter 'rules[0].policy' is missing",
        ),
        (
            {"qom-type": "authz-list", "id": "l", "rules": [{"match": "x", "policy": "y"}]},
            "Parameter 'policy' does not accept value 'y'",
        ),
    ],
)
def test_what_is_wrong_is_refused_in_qemus_words_and_changes_nothing(
    objects: Objects, members: dict[str, Any], complaint: str
) -> None:
    before = list(objects.node().properties)
    assert refusal(objects, members) == complaint
    assert list(objects.node().properties) == before


def test_an_object_that_can_not_be_made_is_not_there(objects: Objects) -> None:
    missing = {"qom-type": "tls-creds-x509", "id": "t", "dir": "/nonexistent"}
    assert refusal(objects, missing).startswith("Unable to access credentials")
    create(objects, "authz-simple", "t", identity="x")


def test_what_was_deleted_is_gone_and_its_id_is_free(objects: Objects) -> None:
    objects.delete("z")
    assert not objects.allows("z", "CN=alice")
    with pytest.raises(QmpError, match=r"^object 'z' not found$"):
        objects.delete("z")
    create(objects, "authz-simple", "z", identity="CN=bob")


def test_credentials_that_are_deleted_still_serve_who_has_them(tmp_path: Path) -> None:
    objects = Objects()
    where = folder(tmp_path, SERVER)
    create(objects, "tls-creds-x509", "t", dir=where, endpoint="server")
    context = objects.server_context("t")
    objects.delete("t")
    assert context.get_ca_certs()


def test_the_object_tree_shows_them(objects: Objects, tmp_path: Path) -> None:
    rules = [{"match": "x", "policy": "allow", "format": "glob"}, {"match": "y", "policy": "deny"}]
    create(objects, "authz-list", "l", rules=rules)
    where = folder(tmp_path, SERVER)
    create(objects, "tls-creds-x509", "t", dir=where, endpoint="server")
    shown = {
        name: {key: entry.get() for key, entry in child.make().items() if entry.get}
        for name, child in objects.node().items()
        if child.make
    }
    assert shown == {
        "z": {"type": "authz-simple", "identity": "CN=alice"},
        "l": {"type": "authz-list", "policy": "deny", "rules": rules},
        "t": {
            "type": "tls-creds-x509",
            "endpoint": "server",
            "dir": where,
            "verify-peer": True,
            "sanity-check": True,
        },
    }


def test_every_type_can_be_made() -> None:
    assert set(TYPES) == set(ObjectType)


def test_the_types_tell_what_their_objects_have(objects: Objects, tmp_path: Path) -> None:
    create(objects, "authz-list", "l")
    create(objects, "tls-creds-x509", "t", dir=folder(tmp_path, SERVER), endpoint="server")
    types = TypeTable((*MACHINE_TYPES, *OBJECT_TYPES))
    assert {entry.name for entry in types.list("user-creatable", abstract=False)} >= set(ObjectType)
    for name, child in objects.node().items():
        if child.make is not None:
            node = child.make()
            assert name in {"z", "l", "t"}
            shown = {key: entry.type for key, entry in node.items()}
            assert shown == {entry.name: entry.type for entry in types.properties(node.type)}


def test_the_machines_own_objects_are_there_and_stay(objects: Objects) -> None:
    tree = QomTree("virt-machine", container)
    built_in = container()
    built_in.add("mach-virt.ram", "memory-backend-ram", lambda: Node("memory-backend-ram"))
    tree.mount("objects", "container", lambda: replace(built_in))
    objects = Objects(tree)
    create(objects, "authz-simple", "z", identity="x")
    assert [name for name, _ in tree.properties("/objects")] == ["type", "mach-virt.ram", "z"]
    assert tree.get("/objects/z", "identity") == "x"
    tree.set("/objects/z", "identity", "y")
    assert objects.allows("z", "y")
    for id_ in ("mach-virt.ram", "type"):
        taken = {"qom-type": "authz-simple", "id": id_, "identity": "x"}
        assert refusal(objects, taken).startswith("attempt to add duplicate property")
    with pytest.raises(QmpError, match=r"^object 'mach-virt.ram' is in use, can not be deleted$"):
        objects.delete("mach-virt.ram")
    with pytest.raises(QmpError, match=r"^object 'type' not found$"):
        objects.delete("type")


def test_a_policy_can_be_changed_to_one_that_there_is() -> None:
    tree = QomTree("virt-machine", container)
    objects = Objects(tree)
    create(objects, "authz-list", "l")
    tree.set("/objects/l", "policy", "allow")
    assert objects.allows("l", "anyone")
    with pytest.raises(MachineError, match=r"^Parameter 'policy' does not accept value 'maybe'$"):
        tree.set("/objects/l", "policy", "maybe")
    assert tree.get("/objects/l", "policy") == "allow"
