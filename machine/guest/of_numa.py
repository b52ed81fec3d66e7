"""NUMA as the device tree tells it.

Linux: drivers/of/of_numa.c, drivers/base/arch_numa.c; Documentation/devicetree/bindings/numa.txt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.guest.acpi_numa import (
    LOCAL_DISTANCE,
    MemoryBlock,
    Numa,
    default_distances,
    one_node,
)
from machine.guest.firmware import FirmwareError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from machine.guest.of_fdt import Node

MAX_NODES = 16
"""CONFIG_NODES_SHIFT of arm64's default configuration is 4."""
NODE_ID = "numa-node-id"
NO_NODE = -1
DISTANCE_MAP = "numa-distance-map-v1"
ENTRY_CELLS = 3


class BadNumaError(Exception):
    """What the tree says of nodes can't be used, and why."""


def init(root: Node, cpus: Mapping[int, int], log: Callable[[str], None]) -> Numa:
    """Read nodes, RAM and distances; without, or with wrong ones, all RAM is one node.

    Args:
        root: the tree.
        cpus: the node of each CPU that has one, by the CPU's number.
        log: prints a line.

    Raises:
        FirmwareError: there is no RAM.
    """
    blocks = _memory(root)
    try:
        numa = _read(root, cpus, blocks, log)
    except BadNumaError as error:
        log(f"NUMA: {error}")
    else:
        if numa.nodes:
            return numa
    start, end = min(block.start for block in blocks), max(block.end for block in blocks)
    log(f"NUMA: Faking a node at [mem {start:#018x}-{end - 1:#018x}]")
    return one_node([MemoryBlock(0, start, end)])


def _memory(root: Node) -> list[MemoryBlock]:
    """RAM; what is of no node has a negative one."""
    found = [
        MemoryBlock(node.cell(NODE_ID, NO_NODE), start, start + size)
        for node in root.children
        if node.string("device_type") == "memory"
        for start, size in node.reg()
        if size
    ]
    if not found:
        raise FirmwareError("no memory in the device tree")
    return found


def _read(
    root: Node, cpus: Mapping[int, int], blocks: list[MemoryBlock], log: Callable[[str], None]
) -> Numa:
    """Collect what there is.

    Raises:
        BadNumaError: a distance makes no sense.
    """
    numa = Numa(memory=[block for block in blocks if 0 <= block.node < MAX_NODES])
    known = {*cpus.values(), *(block.node for block in numa.memory)}
    numa.domains = {node: node for node in sorted(known) if node < MAX_NODES}
    numa.cpus = {cpu: node for cpu, node in cpus.items() if node in numa.domains}
    numa.distances = default_distances(max(numa.domains, default=-1) + 1)
    distances = root.compatible(DISTANCE_MAP)
    if distances is not None and numa.nodes:
        log("NUMA: parsing numa-distance-map-v1")
        _read_distances(numa.distances, distances.cells("distance-matrix"))
    return numa


def _read_distances(distances: list[list[int]], cells: list[int]) -> None:
    """The way back is as far, until it is told otherwise."""
    if not cells or len(cells) % ENTRY_CELLS:
        raise BadNumaError("Invalid distance-matrix property in distance-map")
    for at in range(0, len(cells), ENTRY_CELLS):
        here, there, distance = cells[at : at + ENTRY_CELLS]
        if (distance == LOCAL_DISTANCE) is not (here == there) or distance < LOCAL_DISTANCE:
            raise BadNumaError(f"Invalid distance[node{here} -> node{there}] = {distance}")
        if max(here, there) >= len(distances):
            continue
        distances[here][there] = distance
        if there > here:
            distances[there][here] = distance
