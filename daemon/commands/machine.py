"""QAPI machine: CPUs, machine types, names and sizes."""

from functools import lru_cache
from typing import TYPE_CHECKING

from daemon.translate import instance_properties
from machine.topology import MOST_CPUS
from machine.virt import MACHINE_TYPE
from protocol.command import command
from protocol.errors import QmpError
from protocol.qapi.machine import (
    CpuInfoFast,
    CpuInstanceProperties,
    CurrentMachineParams,
    HotpluggableCPU,
    KvmInfo,
    MachineInfo,
    MemoryDeviceInfo,
    MemoryInfo,
    SysEmuTarget,
    TargetInfo,
    UuidInfo,
)

if TYPE_CHECKING:
    from collections.abc import Hashable

    from daemon.context import Context
    from machine.cpu import PossibleCpu


def _plugged(context: "Context") -> "Hashable":
    """What the lists of CPUs depend on."""
    return context.stage.current.generation


@command("query-cpus-fast", kept=_plugged)
def query_cpus_fast(context: "Context") -> list[CpuInfoFast]:
    """List the plugged CPUs, in the order in which they were plugged."""
    thread_id = context.thread_id
    return [
        _cpu_info(cpu.path, slot.index, instance_properties(slot), thread_id)
        for slot, cpu in context.machine.cpus()
    ]


@lru_cache(MOST_CPUS)
def _cpu_info(path: str, index: int, props: CpuInstanceProperties, thread_id: int) -> CpuInfoFast:
    """What is said of a CPU: built once, for where one changes the others are the same."""
    return CpuInfoFast(
        thread_id=thread_id,
        props=props,
        qom_path=path,
        cpu_index=index,
        target=SysEmuTarget.AARCH64,
    )


@command("query-hotpluggable-cpus", allow_preconfig=True, kept=_plugged)
def query_hotpluggable_cpus(context: "Context") -> list[HotpluggableCPU]:
    """List the CPUs that are, or could be, plugged, the highest number first."""
    return [_hotpluggable(context, slot) for slot in reversed(context.current.hotpluggable_slots())]


def _hotpluggable(context: "Context", slot: "PossibleCpu") -> HotpluggableCPU:
    path = slot.cpu.path if slot.cpu is not None else None
    return _hotpluggable_cpu(path, instance_properties(slot), context.current.cpu_typename)


@lru_cache(MOST_CPUS)
def _hotpluggable_cpu(
    path: str | None, props: CpuInstanceProperties, typename: str
) -> HotpluggableCPU:
    return HotpluggableCPU(props=props, vcpus_count=1, qom_path=path, type=typename)


@command("query-machines", static=True)
def query_machines(context: "Context") -> list[MachineInfo]:
    """List the machine types."""
    return [
        MachineInfo(
            hotpluggable_cpus=context.machine.has_hotpluggable_cpus,
            name=MACHINE_TYPE,
            numa_mem_supported=False,
            default_cpu_type="cortex-a15-arm-cpu",
            acpi=True,
            cpu_max=context.machine.config.max_cpus,
            deprecated=False,
            default_ram_id="mach-virt.ram",
            alias="virt",
        ),
    ]


@command("query-current-machine", static=True)
def query_current_machine(context: "Context") -> CurrentMachineParams:
    """Tell what this machine can do besides."""
    return CurrentMachineParams(wakeup_suspend_support=context.machine.config.system_suspend)


@command("query-target", static=True)
def query_target(_context: "Context") -> TargetInfo:
    """Name the architecture."""
    return TargetInfo(arch=SysEmuTarget.AARCH64)


@command("query-kvm", static=True)
def query_kvm(_context: "Context") -> KvmInfo:
    """Tell whether the host's own KVM is used: it is not, the machine has a model of one."""
    return KvmInfo(enabled=False, present=False)


@command("query-uuid", allow_preconfig=True, static=True)
def query_uuid(context: "Context") -> UuidInfo:
    """Return the machine's UUID."""
    return UuidInfo(uuid=str(context.current.config.uuid))


@command("query-memory-size-summary", static=True)
def query_memory_size_summary(context: "Context") -> MemoryInfo:
    """Return the sizes of memory in bytes."""
    return MemoryInfo(base_memory=context.machine.config.ram_size, plugged_memory=0)


@command("query-memory-devices", static=True)
def query_memory_devices(_context: "Context") -> list[MemoryDeviceInfo]:
    """List the devices that bring memory along: there are none, all memory is there at start."""
    return []


@command("dumpdtb")
def dumpdtb(context: "Context", filename: str) -> None:
    """Write the machine's device tree to a file."""
    from daemon.dump import write_device_tree  # noqa: PLC0415 - few ask for it

    try:
        write_device_tree(context.machine, filename)
    except OSError as error:
        raise QmpError(f"Error saving FDT to file {filename}: {error.strerror}") from None
    except ValueError:
        raise QmpError(f"Error saving FDT to file {filename}: not a file name") from None
