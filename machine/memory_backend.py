"""Memory backends: objects that RAM is made of (QEMU: backends/hostmem.c).

What a backend says of the host's memory is kept and shown, and checked as QEMU checks it. All RAM
is one mapping of the machine's own (`machine.memory`); policies do not reach the host's kernel.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from machine.errors import MachineError
from machine.numa import MAX_NODES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

DEFAULT_RAM_ID = "mach-virt.ram"
"""The id of the backend that a machine makes for itself."""

POLICIES = ("default", "preferred", "bind", "interleave")
TYPE = "memory-backend-ram"


@dataclass(slots=True)
class MemoryBackend:
    """A `memory-backend-ram`.

    Attributes:
        size: in bytes.
        merge: the host may merge equal pages.
        dump: core dumps have it.
        prealloc: the host's memory is allocated at once.
        prealloc_threads: by so many threads.
        share: other processes may share it.
        reserve: the host reserves swap space for it.
        policy: how the host's memory is chosen from `host_nodes`.
        host_nodes: numbers of the host's nodes, ascending.
        canonical_path: blocks of RAM are named by the object's path.
    """

    size: int
    merge: bool = True
    dump: bool = True
    prealloc: bool = False
    prealloc_threads: int = 1
    share: bool = False
    reserve: bool = True
    policy: str = "default"
    host_nodes: tuple[int, ...] = ()
    canonical_path: bool = False


def check_backend(backend: MemoryBackend, id_: str) -> None:
    """Refuse what no backend may be.

    Args:
        backend: what was asked for.
        id_: its id, for the texts.

    Raises:
        MachineError: with QEMU's text.
    """
    for name, value in (("size", backend.size), ("prealloc-threads", backend.prealloc_threads)):
        if not value:
            raise MachineError(f"property '{name}' of {TYPE} doesn't take value '0'")
    for node in backend.host_nodes:
        if node >= MAX_NODES:
            raise MachineError(f"Invalid host-nodes value: {node}")
    if backend.prealloc and not backend.reserve:
        raise MachineError("'prealloc=on' and 'reserve=off' are incompatible")
    _check_room(backend.size, id_)
    if backend.host_nodes and backend.policy == "default":
        raise MachineError(
            "host-nodes must be empty for policy default, "
            "or you should explicitly specify a policy other than default"
        )
    if not backend.host_nodes and backend.policy != "default":
        raise MachineError(f"host-nodes must be set for policy {backend.policy}")


def _check_room(size: int, id_: str) -> None:
    """See whether the host could have so much; nothing is kept of it."""
    try:
        mmap.mmap(-1, size).close()
    except (OSError, OverflowError):
        raise MachineError(f"cannot set up guest memory '{id_}': Cannot allocate memory") from None


def backend_id(name: str) -> str:
    """The id of a backend that is named by it, or by its path."""
    return name.removeprefix("/objects/")


def ram_size_of(backend: str, given: int | None, sizes: Mapping[str, int]) -> int:
    """The size of a machine's RAM that is in a backend of the user's.

    Args:
        backend: its id, or its path.
        given: what `-m` says, in bytes.
        sizes: the backends that there are.

    Raises:
        MachineError: with QEMU's text.
    """
    size = sizes.get(backend_id(backend))
    if size is None:
        raise MachineError(f"Memory backend '{backend}' not found")
    if given is not None and given != size:
        raise MachineError("Machine memory size does not match the size of the memory backend")
    return size


def check_reserved(backends: Collection[str]) -> None:
    """Refuse a backend of the user's that is called as the one that the machine makes for itself.

    Raises:
        MachineError: with QEMU's text.
    """
    if DEFAULT_RAM_ID in backends:
        raise MachineError(
            f"object name '{DEFAULT_RAM_ID}' is reserved for the default RAM backend, it can't be "
            "used for any other purposes. Change the object's 'id' to something else"
        )
