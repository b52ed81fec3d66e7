"""QAPI ``qom`` and ``machine``, the parts about memory backends."""

from pydantic import Field

from protocol.model import QapiEnum, Size, UInt16, UInt32, WireModel


class HostMemPolicy(QapiEnum):
    """How the memory of the host is chosen from its NUMA nodes."""

    DEFAULT = "default"
    PREFERRED = "preferred"
    BIND = "bind"
    INTERLEAVE = "interleave"


class MemoryBackendProperties(WireModel):
    """What a memory backend is created from.

    ``prealloc-context`` is the id of an object of a type that is not modelled.
    """

    dump: bool | None = None
    host_nodes: list[UInt16] | None = None
    merge: bool | None = None
    policy: HostMemPolicy | None = None
    prealloc: bool | None = None
    prealloc_threads: UInt32 | None = None
    prealloc_context: str | None = None
    share: bool | None = None
    reserve: bool | None = None
    size: Size
    x_use_canonical_path: bool | None = Field(
        default=None, alias="x-use-canonical-path-for-ramblock-id"
    )


class Memdev(WireModel):
    """A memory backend, as ``query-memdev`` shows it."""

    id_: str | None = None
    size: Size
    merge: bool
    dump: bool
    prealloc: bool
    share: bool
    reserve: bool | None = None
    host_nodes: list[UInt16]
    policy: HostMemPolicy
