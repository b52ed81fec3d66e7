"""QAPI ``machine``: CPUs as plugged and pluggable, machine types, memory size."""

from pydantic import Field

from protocol.model import Int64, QapiEnum, UInt64, WireModel


class SysEmuTarget(QapiEnum):
    """The instruction sets that this server emulates."""

    AARCH64 = "aarch64"


class CpuInstanceProperties(WireModel):
    """Where a CPU sits; what ``device_add`` needs to put one there."""

    node_id: Int64 | None = None
    socket_id: Int64 | None = None
    cluster_id: Int64 | None = None
    core_id: Int64 | None = None
    thread_id: Int64 | None = None


class CpuInfoFast(WireModel):
    """A present virtual CPU."""

    cpu_index: Int64
    qom_path: str
    thread_id: Int64
    props: CpuInstanceProperties | None = None
    target: SysEmuTarget


class HotpluggableCPU(WireModel):
    """A slot that holds, or could hold, a CPU."""

    type: str
    vcpus_count: Int64
    props: CpuInstanceProperties
    qom_path: str | None = None


class MachineInfo(WireModel):
    """A machine type that can be asked for with ``-M``."""

    name: str
    alias: str | None = None
    is_default: bool | None = None
    cpu_max: Int64
    hotpluggable_cpus: bool
    numa_mem_supported: bool
    deprecated: bool
    default_cpu_type: str | None = None
    default_ram_id: str | None = None
    acpi: bool


class CurrentMachineParams(WireModel):
    """What the running machine can do beyond its type."""

    wakeup_suspend_support: bool


class TargetInfo(WireModel):
    """The emulated architecture."""

    arch: SysEmuTarget


class KvmInfo(WireModel):
    """Whether KVM is in use, and whether the host has it."""

    enabled: bool
    present: bool


class UuidInfo(WireModel):
    """The UUID of the virtual machine."""

    uuid: str = Field(alias="UUID")


class MemoryInfo(WireModel):
    """Sizes of memory in bytes: at start, and plugged since."""

    base_memory: UInt64
    plugged_memory: UInt64 | None = None
