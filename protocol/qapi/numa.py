"""QAPI ``machine``, the part about NUMA (``set-numa-node``, and ``-numa`` on a command line)."""

from protocol.model import Int64, QapiEnum, Size, UInt8, UInt16, UInt32, UInt64, WireModel
from protocol.qapi.machine import CpuInstanceProperties
from protocol.union import FlatUnion


class NumaOptionsType(QapiEnum):
    """What can be said of NUMA."""

    NODE = "node"
    DIST = "dist"
    CPU = "cpu"
    HMAT_LB = "hmat-lb"
    HMAT_CACHE = "hmat-cache"


class NumaNodeOptions(WireModel):
    """A node."""

    nodeid: UInt16 | None = None
    cpus: list[UInt16] | None = None
    mem: Size | None = None
    memdev: str | None = None
    initiator: UInt16 | None = None


class NumaDistOptions(WireModel):
    """How far it is from one node to another."""

    src: UInt16
    dst: UInt16
    val: UInt8


class NumaCpuOptions(CpuInstanceProperties):
    """A node, and which CPUs are in it; some machines have levels that this one has not."""

    drawer_id: Int64 | None = None
    book_id: Int64 | None = None
    die_id: Int64 | None = None
    module_id: Int64 | None = None


class HmatLBMemoryHierarchy(QapiEnum):
    """Which memory a latency or bandwidth is of (ACPI 6.5 §5.2.28.4)."""

    MEMORY = "memory"
    FIRST_LEVEL = "first-level"
    SECOND_LEVEL = "second-level"
    THIRD_LEVEL = "third-level"


class HmatLBDataType(QapiEnum):
    """What is told of it (ACPI 6.5 §5.2.28.4)."""

    ACCESS_LATENCY = "access-latency"
    READ_LATENCY = "read-latency"
    WRITE_LATENCY = "write-latency"
    ACCESS_BANDWIDTH = "access-bandwidth"
    READ_BANDWIDTH = "read-bandwidth"
    WRITE_BANDWIDTH = "write-bandwidth"


class NumaHmatLBOptions(WireModel):
    """Latency or bandwidth between two nodes."""

    initiator: UInt16
    target: UInt16
    hierarchy: HmatLBMemoryHierarchy
    data_type: HmatLBDataType
    latency: UInt64 | None = None
    bandwidth: Size | None = None


class HmatCacheAssociativity(QapiEnum):
    """How a cache of memory is addressed (ACPI 6.5 §5.2.28.5)."""

    NONE = "none"
    DIRECT = "direct"
    COMPLEX = "complex"


class HmatCacheWritePolicy(QapiEnum):
    """When a cache of memory writes back (ACPI 6.5 §5.2.28.5)."""

    NONE = "none"
    WRITE_BACK = "write-back"
    WRITE_THROUGH = "write-through"


class NumaHmatCacheOptions(WireModel):
    """A cache of a node's memory."""

    node_id: UInt32
    size: Size
    level: UInt8
    associativity: HmatCacheAssociativity
    policy: HmatCacheWritePolicy
    line: UInt16


class NumaOptions(
    FlatUnion,
    tag="type_",
    branches={
        NumaOptionsType.NODE: NumaNodeOptions,
        NumaOptionsType.DIST: NumaDistOptions,
        NumaOptionsType.CPU: NumaCpuOptions,
        NumaOptionsType.HMAT_LB: NumaHmatLBOptions,
        NumaOptionsType.HMAT_CACHE: NumaHmatCacheOptions,
    },
):
    """One thing that is said of NUMA."""

    type_: NumaOptionsType
