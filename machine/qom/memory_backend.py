"""Memory backends in the object tree (QEMU: backends/hostmem.c)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from machine.errors import MachineError
from machine.memory_backend import POLICIES, TYPE
from machine.qom.node import Node, Property

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine.memory_backend import MemoryBackend


class BackendProperty(NamedTuple):
    """A property of every memory backend.

    Attributes:
        name: as clients write it.
        type: as `qom-list` shows it.
        get: its value.
        set: takes a new one; None where it can't be written.
        description: what introspection says of it.
    """

    name: str
    type: str
    get: Callable[[MemoryBackend], Any]
    set: Callable[[MemoryBackend, Any], None] | None = None
    description: str | None = None


def _fixed(_backend: MemoryBackend, _value: object) -> NoReturn:
    raise MachineError("cannot change property value")


def _fixed_size(_backend: MemoryBackend, _value: object) -> NoReturn:
    raise MachineError(f"cannot change property size of {TYPE} ")


def _set_merge(backend: MemoryBackend, value: bool) -> None:  # noqa: FBT001 - a property's value
    backend.merge = value


def _set_dump(backend: MemoryBackend, value: bool) -> None:  # noqa: FBT001 - as above
    backend.dump = value


def _set_canonical(backend: MemoryBackend, value: bool) -> None:  # noqa: FBT001 - as above
    backend.canonical_path = value


def _set_prealloc(backend: MemoryBackend, value: bool) -> None:  # noqa: FBT001 - as above
    """What is allocated stays allocated: `false` changes nothing."""
    if value and not backend.reserve:
        raise MachineError("'prealloc=on' and 'reserve=off' are incompatible")
    backend.prealloc |= value


def _set_threads(backend: MemoryBackend, value: int) -> None:
    if not value:
        raise MachineError(f"property 'prealloc-threads' of {TYPE} doesn't take value '0'")
    backend.prealloc_threads = value


def _set_policy(backend: MemoryBackend, value: str) -> None:
    if value not in POLICIES:
        raise MachineError(f"Parameter 'policy' does not accept value '{value}'")
    backend.policy = value


BACKEND_PROPERTIES: tuple[BackendProperty, ...] = (
    BackendProperty(
        "share",
        "bool",
        lambda backend: backend.share,
        _fixed,
        "Mark the memory as private to QEMU or shared",
    ),
    BackendProperty(
        "size",
        "int",
        lambda backend: backend.size,
        _fixed_size,
        "Size of the memory region (ex: 500M)",
    ),
    BackendProperty(
        "dump",
        "bool",
        lambda backend: backend.dump,
        _set_dump,
        "Set to 'off' to exclude from core dump",
    ),
    BackendProperty(
        "prealloc-threads",
        "int",
        lambda backend: backend.prealloc_threads,
        _set_threads,
        "Number of CPU threads to use for prealloc",
    ),
    BackendProperty(
        "x-use-canonical-path-for-ramblock-id",
        "bool",
        lambda backend: backend.canonical_path,
        _set_canonical,
    ),
    BackendProperty(
        "policy",
        "HostMemPolicy",
        lambda backend: backend.policy,
        _set_policy,
        "Set the NUMA policy",
    ),
    BackendProperty(
        "prealloc-context",
        "link<thread-context>",
        lambda _backend: "",
        None,
        "Context to use for creating CPU threads for preallocation",
    ),
    BackendProperty(
        "prealloc",
        "bool",
        lambda backend: backend.prealloc,
        _set_prealloc,
        "Preallocate memory",
    ),
    BackendProperty(
        "reserve",
        "bool",
        lambda backend: backend.reserve,
        _fixed,
        "Reserve swap space (or huge pages) if applicable",
    ),
    BackendProperty(
        "host-nodes",
        "int",
        lambda backend: list(backend.host_nodes),
        None,
        "Binds memory to the list of NUMA host nodes",
    ),
    BackendProperty(
        "merge",
        "bool",
        lambda backend: backend.merge,
        _set_merge,
        "Mark memory as mergeable",
    ),
)


def backend_node(backend: MemoryBackend, component: str, region: Callable[[], Node]) -> Node:
    """The object of a backend.

    Args:
        backend: the backend.
        component: the name of its memory region.
        region: makes that.
    """
    node = Node(TYPE)
    for entry in BACKEND_PROPERTIES:
        set_ = partial(entry.set, backend) if entry.set is not None else None
        node.properties[entry.name] = Property(entry.type, partial(entry.get, backend), set_)
    node.add(component, "memory-region", region)
    return node
