"""QAPI ``machine``: CPUs as plugged and pluggable, machine types, memory size."""

from pydantic import Field

from protocol.model import Int64, QapiEnum, UInt64, WireModel
from protocol.union import FlatUnion


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


class MemoryDeviceInfoKind(QapiEnum):
    """The kinds of devices that bring memory along."""

    DIMM = "dimm"
    NVDIMM = "nvdimm"
    VIRTIO_PMEM = "virtio-pmem"
    VIRTIO_MEM = "virtio-mem"


class PCDIMMDeviceInfo(WireModel):
    """A memory module in a slot."""

    id_: str | None = None
    addr: Int64
    size: Int64
    slot: Int64
    node: Int64
    memdev: str
    hotplugged: bool
    hotpluggable: bool


class PCDIMMDeviceInfoWrapper(WireModel):
    """A module, as a branch."""

    data: PCDIMMDeviceInfo


class VirtioPMEMDeviceInfo(WireModel):
    """Persistent memory of a virtio device."""

    id_: str | None = None
    memaddr: UInt64
    size: UInt64
    memdev: str


class VirtioPMEMDeviceInfoWrapper(WireModel):
    """Persistent memory, as a branch."""

    data: VirtioPMEMDeviceInfo


class VirtioMEMDeviceInfo(WireModel):
    """Memory of a virtio device that grows and shrinks."""

    id_: str | None = None
    memaddr: UInt64
    requested_size: UInt64
    size: UInt64
    max_size: UInt64
    block_size: UInt64
    node: Int64
    memdev: str


class VirtioMEMDeviceInfoWrapper(WireModel):
    """Memory that grows and shrinks, as a branch."""

    data: VirtioMEMDeviceInfo


class MemoryDeviceInfo(
    FlatUnion,
    tag="type",
    branches={
        MemoryDeviceInfoKind.DIMM: PCDIMMDeviceInfoWrapper,
        MemoryDeviceInfoKind.NVDIMM: PCDIMMDeviceInfoWrapper,
        MemoryDeviceInfoKind.VIRTIO_PMEM: VirtioPMEMDeviceInfoWrapper,
        MemoryDeviceInfoKind.VIRTIO_MEM: VirtioMEMDeviceInfoWrapper,
    },
):
    """A device that brings memory along."""

    type: MemoryDeviceInfoKind
