"""`info qtree`, `info qom-tree` and `info mtree`: the machine's trees in QEMU's text forms."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from machine.qom.device import SYSTEM_BUS_PATH
from machine.qom.regions import EVERYTHING, memory_map

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from daemon.context import Context
    from machine.qom.node import Node, Property
    from machine.qom.regions import MemoryRegion

CHILD = "child["


def info_qtree(context: Context) -> Iterator[str]:
    """The buses and their devices, the newest device first."""
    qom = context.machine.qom
    bus = qom.resolve(SYSTEM_BUS_PATH)
    yield "bus: main-system-bus"
    yield f"  type {bus.type}"
    links = [name for name, _ in bus.items() if name.startswith(CHILD)]
    for name in reversed(links):
        yield from _device(qom.resolve(f"{SYSTEM_BUS_PATH}/{name}"))


def _device(node: Node) -> Iterator[str]:
    if node.qdev is None:
        raise AssertionError(f"{node.type} on a bus is no device")
    yield f'  dev: {node.type}, id "{node.qdev.device_id or ""}"'
    for direction, name, count in node.qdev.gpios:
        yield f'    {direction} "{name}" {count}'
    for name in node.qdev.clocks:
        yield f'    clock-in "{name}" freq_hz=0 Hz'
    for name, entry in node.items():
        if entry.check is not None and entry.get is not None:
            yield f"    {name} = {_shown(entry)}"
    for place in node.qdev.mmio:
        yield f"    mmio {place.base:016x}/{place.size:016x}"


def _shown(entry: Property) -> str:
    value: Any = entry.get() if entry.get is not None else None
    match value:
        case bool():
            return str(value).lower()
        case int():
            return f"{value} ({value:#x})"
        case list():
            return f"{ranges(value, '{}')} ({ranges(value, '{:#x}')})"
    return f'"{value}"'


def ranges(numbers: Iterable[int], form: str) -> str:
    """Numbers as QEMU prints a list: ascending, each once, what follows on joined."""
    spans: list[list[int]] = []
    for number in sorted(set(numbers)):
        if spans and spans[-1][-1] == number - 1:
            spans[-1] = [spans[-1][0], number]
        else:
            spans.append([number])
    return ",".join("-".join(form.format(end) for end in span) for span in spans)


def info_qom_tree(context: Context, path: str | None = None) -> Iterator[str]:
    """An object and what is below it; without a path the machine."""
    matches = context.current.qom.matches("/machine" if path is None else path)
    if len(matches) != 1:
        yield f"Path '{path}' could not be resolved."
        return
    where, node = matches[0]
    yield from _composition(node, where.rpartition("/")[2], 0)


def _composition(node: Node, name: str, depth: int) -> Iterator[str]:
    yield f"{'':{depth}}/{name} ({node.type})"
    children = ((key, entry) for key, entry in node.items() if entry.make is not None)
    for key, entry in sorted(children, key=lambda child: child[0].encode()):
        if entry.make is not None:
            yield from _composition(entry.make(), key, depth + 2)


def info_mtree(context: Context, *, flat: bool) -> Iterator[str]:
    """The guest's addresses: as a tree of regions, or as each address space sees them."""
    machine = context.machine
    regions = memory_map(machine)
    spaces = [f"cpu-memory-{slot.index}" for slot, _cpu in machine.cpus()]
    return _flat(["memory", *spaces], regions) if flat else _nested([*spaces, "memory"], regions)


def _flat(spaces: Iterable[str], regions: Iterable[MemoryRegion]) -> Iterator[str]:
    yield "FlatView #0"
    for space in spaces:
        yield f' AS "{space}", root: system'
    yield " Root memory region: system"
    for region in regions:
        yield f"  {_line(region.base, region.last, region.kind, region.name)}"
    yield ""


def _nested(spaces: Iterable[str], regions: Iterable[MemoryRegion]) -> Iterator[str]:
    for space in sorted(spaces):
        yield f"address-space: {space}"
    yield f"  {_line(0, EVERYTHING, 'i/o', 'system')}"
    for holder, held in groupby(regions, key=lambda region: region.within):
        yield from _held(holder, list(held))
    yield ""


def _held(holder: str | None, regions: list[MemoryRegion]) -> Iterator[str]:
    """Regions, and around them the one that holds them, if there is one."""
    indent = "    "
    if holder is not None:
        yield f"{indent}{_line(regions[0].base, regions[-1].last, 'i/o', holder)}"
        indent = "      "
    for region in regions:
        yield f"{indent}{_line(region.base, region.last, region.kind, region.name)}"


def _line(first: int, last: int, kind: str, name: str) -> str:
    return f"{first:016x}-{last:016x} (prio 0, {kind}): {name}"
