"""What `info` shows, in QEMU's text forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daemon.hmp import trees
from daemon.hmp.command import hmp
from daemon.translate import instance_properties

if TYPE_CHECKING:
    from collections.abc import Iterator

    from daemon.hmp.monitor import HumanMonitor


@hmp("cpus", help="show infos for each CPU")
def cpus(monitor: HumanMonitor) -> Iterator[str]:
    """List the plugged CPUs in the order of plugging; a star marks the current one."""
    current = monitor.cpu_index
    for slot, _cpu in monitor.machine.cpus():
        mark = "*" if slot.index == current else " "
        yield f"{mark} CPU #{slot.index}: thread_id={monitor.context.thread_id}"


@hmp("hotpluggable-cpus", help="Show information about hotpluggable CPUs", preconfig=True)
def hotpluggable_cpus(monitor: HumanMonitor) -> Iterator[str]:
    """List the possible CPUs, the highest number first."""
    machine = monitor.context.current
    slots = machine.hotpluggable_slots()
    yield "Hotpluggable CPUs:"
    for slot in reversed(slots):
        yield f'  type: "{machine.cpu_typename}"'
        yield '  vcpus_count: "1"'
        if slot.cpu is not None:
            yield f'  qom_path: "{slot.cpu.path}"'
        yield "  CPUInstance Properties:"
        props = instance_properties(slot)
        for level in ("node", "socket", "cluster", "core", "thread"):
            number = getattr(props, f"{level}_id")
            if number is not None:
                yield f'    {level}-id: "{number}"'


@hmp("status", help="show the current VM status (running|paused)", preconfig=True)
def status(monitor: HumanMonitor) -> Iterator[str]:
    """Tell whether the machine runs, and why not."""
    machine = monitor.context.current
    state = machine.run_state.value
    if machine.running:
        yield "VM status: running"
    else:
        yield "VM status: paused" if state == "paused" else f"VM status: paused ({state})"


@hmp("numa", help="show NUMA information")
def numa(monitor: HumanMonitor) -> Iterator[str]:
    """Tell the NUMA nodes: their plugged CPUs, in the order of plugging, and their memory."""
    nodes = monitor.machine.config.numa
    sizes = nodes.memory if nodes is not None else ()
    yield f"{len(sizes)} nodes"
    for node, size in enumerate(sizes):
        plugged = (slot.index for slot, _cpu in monitor.machine.cpus() if slot.node_id == node)
        yield "".join((f"node {node} cpus:", *(f" {index}" for index in plugged)))
        yield f"node {node} size: {size >> 20} MB"
        yield f"node {node} plugged: 0 MB"


@hmp("memdev", help="show memory backends", preconfig=True)
def memdev(monitor: HumanMonitor) -> Iterator[str]:
    """List the memory backends."""
    for told in monitor.qmp("query-memdev"):
        yield f"memory backend: {told.id_}"
        yield f"  size:  {told.size}"
        for name in ("merge", "dump", "prealloc", "share", "reserve"):
            yield f"  {name}: {str(getattr(told, name)).lower()}"
        yield f"  policy: {told.policy}"
        yield f"  host nodes: {trees.ranges(told.host_nodes, '{}')}"
    yield ""


@hmp("name", help="show the current VM name", preconfig=True)
def name(monitor: HumanMonitor) -> Iterator[str]:
    """Tell the name that `-name` gave, if it did."""
    told = monitor.qmp("query-name")
    if told.name:
        yield told.name


@hmp("uuid", help="show the current VM UUID", preconfig=True)
def uuid(monitor: HumanMonitor) -> Iterator[str]:
    """Tell the machine's UUID."""
    yield monitor.qmp("query-uuid").uuid


@hmp("version", help="show the version of QEMU", preconfig=True)
def version(monitor: HumanMonitor) -> Iterator[str]:
    """Tell which QEMU this speaks for, and what it is."""
    told = monitor.qmp("query-version")
    yield f"{told.qemu}{told.package}"


@hmp("kvm", help="show KVM information")
def kvm(monitor: HumanMonitor) -> Iterator[str]:
    """Tell whether the host's KVM is used."""
    told = monitor.qmp("query-kvm")
    state = ("disabled", "enabled")[told.enabled] if told.present else "not compiled"
    yield f"kvm support: {state}"


@hmp(
    "memory_size_summary",
    help="show the amount of initially allocated and present hotpluggable (if enabled) memory in "
    "bytes.",
)
def memory_size_summary(monitor: HumanMonitor) -> Iterator[str]:
    """Tell the sizes of memory."""
    told = monitor.qmp("query-memory-size-summary")
    yield f"base memory: {told.base_memory}"
    yield f"plugged memory: {told.plugged_memory}"


@hmp("history", help="show the command line history", preconfig=True)
def history(monitor: HumanMonitor) -> Iterator[str]:
    """List the lines that this terminal was given."""
    for number, line in enumerate(monitor.history.lines if monitor.history else ()):
        yield f"{number}: '{line.decode(errors='surrogateescape')}'"


@hmp("chardev", help="show the character devices", preconfig=True)
def chardev(monitor: HumanMonitor) -> Iterator[str]:
    """List the character devices, and what each is connected to."""
    for device in monitor.qmp("query-chardev"):
        yield f"{device.label}: filename={device.filename}"


@hmp("qtree", help="show device tree")
def qtree(monitor: HumanMonitor) -> Iterator[str]:
    """Show the buses and their devices."""
    return trees.info_qtree(monitor.context)


@hmp("qom-tree", args="path:s?", params="[path]", help="show QOM composition tree", preconfig=True)
def qom_tree(monitor: HumanMonitor, path: str | None = None) -> Iterator[str]:
    """Show an object, by default the machine, and what is below it."""
    return trees.info_qom_tree(monitor.context, path)


@hmp(
    "mtree",
    args="flat:-f",
    params="[-f]",
    help="show memory tree (-f: dump flat view for address spaces)",
)
def mtree(monitor: HumanMonitor, *, flat: bool) -> Iterator[str]:
    """Show the guest's addresses."""
    return trees.info_mtree(monitor.context, flat=flat)
