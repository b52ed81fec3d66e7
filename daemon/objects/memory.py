"""Memory backends that users create (QEMU: backends/hostmem-ram.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.errors import MachineError
from machine.memory_backend import MemoryBackend, check_backend
from protocol.errors import DeviceNotFoundError, QmpError

if TYPE_CHECKING:
    from typing import Any

    from protocol.qapi.memory import MemoryBackendProperties


def make_backend(properties: MemoryBackendProperties, id_: str) -> MemoryBackend:
    """Make one.

    Raises:
        QmpError: it can't be, in QEMU's words.
    """
    if properties.prealloc_context is not None:
        raise DeviceNotFoundError(f"Device '{properties.prealloc_context}' not found")
    given: dict[str, Any] = {
        "size": properties.size,
        "merge": properties.merge,
        "dump": properties.dump,
        "prealloc": properties.prealloc,
        "prealloc_threads": properties.prealloc_threads,
        "share": properties.share,
        "reserve": properties.reserve,
        "policy": properties.policy.value if properties.policy is not None else None,
        "host_nodes": tuple(sorted(set(properties.host_nodes or ()))),
        "canonical_path": properties.x_use_canonical_path,
    }
    backend = MemoryBackend(**{name: value for name, value in given.items() if value is not None})
    try:
        check_backend(backend, id_)
    except MachineError as error:
        raise QmpError(str(error)) from None
    return backend
