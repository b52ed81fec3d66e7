"""Memory backends: refused in QEMU's words, and what may be changed of one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from machine.errors import MachineError
from machine.memory_backend import MemoryBackend, check_backend, ram_size_of
from machine.qom.memory_backend import BACKEND_PROPERTIES, backend_node
from machine.qom.node import Node, container
from machine.qom.tree import QomTree

PLAIN = MemoryBackend(4096)


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"size": 0}, "property 'size' of memory-backend-ram doesn't take value '0'"),
        (
            {"prealloc_threads": 0},
            "property 'prealloc-threads' of memory-backend-ram doesn't take value '0'",
        ),
        ({"host_nodes": (3, 200), "policy": "bind"}, "Invalid host-nodes value: 200"),
        ({"policy": "bind"}, "host-nodes must be set for policy bind"),
        (
            {"host_nodes": (0,)},
            (
                "host-nodes must be empty for policy default, or you should explicitly specify a "
                "policy other than default"
            ),
        ),
        (
            {"prealloc": True, "reserve": False},
            "'prealloc=on' and 'reserve=off' are incompatible",
        ),
        ({"size": 1 << 50}, "cannot set up guest memory 'm0': Cannot allocate memory"),
        ({"size": (1 << 64) - 1}, "cannot set up guest memory 'm0': Cannot allocate memory"),
    ],
)
def test_what_no_backend_may_be_is_refused_in_qemus_words(
    changed: dict[str, Any], text: str
) -> None:
    with pytest.raises(MachineError) as refused:
        check_backend(replace(PLAIN, **changed), "m0")
    assert str(refused.value) == text


def test_a_policy_wants_nodes_and_nodes_want_a_policy() -> None:
    check_backend(PLAIN, "m0")
    check_backend(replace(PLAIN, policy="interleave", host_nodes=(0, 127)), "m0")


def test_all_of_the_ram_may_be_in_one_backend() -> None:
    sizes = {"m0": 4096}
    assert ram_size_of("m0", None, sizes) == 4096
    assert ram_size_of("/objects/m0", 4096, sizes) == 4096
    with pytest.raises(MachineError, match=r"^Memory backend 'm1' not found$"):
        ram_size_of("m1", None, sizes)
    with pytest.raises(MachineError, match=r"^Machine memory size does not match the size of the"):
        ram_size_of("m0", 8192, sizes)


def tree_of(backend: MemoryBackend) -> QomTree:
    tree = QomTree("virt-9.2-machine", container)

    def objects() -> Node:
        node = container()
        node.add("m0", "memory-backend-ram", lambda: backend_node(backend, "m0[0]", container))
        return node

    tree.mount("objects", "container", objects)
    return tree


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("merge", False),
        ("dump", False),
        ("prealloc", True),
        ("prealloc-threads", 4),
        ("policy", "bind"),
        ("x-use-canonical-path-for-ramblock-id", True),
    ],
)
def test_some_of_its_properties_can_be_changed(name: str, value: object) -> None:
    tree = tree_of(replace(PLAIN))
    tree.set("/objects/m0", name, value)
    assert tree.get("/objects/m0", name) == value


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("size", 5, "cannot change property size of memory-backend-ram "),
        ("share", True, "cannot change property value"),
        ("reserve", True, "cannot change property value"),
        ("policy", "x", "Parameter 'policy' does not accept value 'x'"),
        ("prealloc", True, "'prealloc=on' and 'reserve=off' are incompatible"),
        (
            "prealloc-threads",
            0,
            "property 'prealloc-threads' of memory-backend-ram doesn't take value '0'",
        ),
        ("host-nodes", 0, "Property 'memory-backend-ram.host-nodes' is not writable"),
    ],
)
def test_others_can_not(name: str, value: object, text: str) -> None:
    tree = tree_of(replace(PLAIN, reserve=False))
    before = {entry.name: tree.get("/objects/m0", entry.name) for entry in BACKEND_PROPERTIES}
    with pytest.raises(MachineError) as refused:
        tree.set("/objects/m0", name, value)
    assert str(refused.value) == text
    assert before == {
        entry.name: tree.get("/objects/m0", entry.name) for entry in BACKEND_PROPERTIES
    }


def test_what_is_allocated_stays_allocated() -> None:
    tree = tree_of(replace(PLAIN, prealloc=True))
    tree.set("/objects/m0", "prealloc", False)
    assert tree.get("/objects/m0", "prealloc") is True
