"""The board as a device tree: all that a kernel has to know where there is no ACPI.

The nodes, their names and phandles are those of QEMU's `virt` (hw/arm/virt), so far as there are
such devices here; what each means is in the bindings of Linux (Documentation/devicetree/bindings)
and in the Devicetree Specification 0.4 §3. A device tree tells of the CPUs that are there, and of
no other: hot-plug is ACPI's.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from machine import memmap
from machine.firmware.fdt import FLAG, Tree, cells, strings, wide

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from machine.memmap import Range
    from machine.numa import Numa
    from machine.topology import CpuLocation

MODEL = "linux,dummy-virt"
CLOCK_HZ = 24_000_000

FIRST_PHANDLE = 0x8000
CLOCK = FIRST_PHANDLE

MAP_LEVELS = ("socket", "cluster", "core", "thread")

SPI, PPI = 0, 1
LEVEL_HIGH = 4
"""Interrupt specifiers of a GICv3: type, number, flags (arm,gic-v3 binding)."""
SGIS = 16

CPU_SUSPEND, CPU_ON = 0xC400_0001, 0xC400_0003
MIGRATE, CPU_OFF = 0xC400_0005, 0x8400_0002
"""Function identifiers (DEN0022F §5.1), for kernels that know PSCI 0.1's binding only."""

UART_PATH = f"/pl011@{memmap.UART0.base:x}"


@dataclass(frozen=True, slots=True)
class CpuEntry:
    """A CPU that is there.

    Attributes:
        index: its number among the possible ones.
        affinity: of its MPIDR.
        location: where it sits.
    """

    index: int
    affinity: int
    location: CpuLocation


@dataclass(frozen=True, slots=True)
class Board:
    """What differs from one board to another.

    Attributes:
        cpus: the CPUs that are there, in ascending order.
        cpu_compatible: what their model is called, such as `arm,cortex-a72`.
        threads: whether cores are told apart from their threads.
        pmu: whether the CPUs have performance monitors.
        ram_size: in bytes.
        redistributors: the regions.
        numa: the nodes; None where the machine has no NUMA.
        pvpanic: whether there is a panic device.
    """

    cpus: Sequence[CpuEntry]
    cpu_compatible: str
    threads: bool
    pmu: bool
    ram_size: int
    redistributors: Sequence[Range]
    numa: Numa | None
    pvpanic: bool = False

    @property
    def gic_phandle(self) -> int:
        """The interrupt controller's: behind the clock's and the CPUs'."""
        return FIRST_PHANDLE + 1 + len(self.cpus)

    def cpu_phandle(self, n: int) -> int:
        """That of the n-th CPU in the tree: the last one has the lowest, as in QEMU."""
        return FIRST_PHANDLE + len(self.cpus) - n


def device_tree(board: Board) -> dict[str, object]:
    """Describe a board."""
    return {
        "interrupt-parent": cells(board.gic_phandle),
        "model": strings(MODEL),
        "compatible": strings(MODEL),
        "#address-cells": cells(2),
        "#size-cells": cells(2),
        "chosen": {"stdout-path": strings(UART_PATH)},
        "aliases": {"serial0": strings(UART_PATH)},
        "psci": _psci(),
        **dict(_memory(board)),
        "cpus": _cpus(board),
        "timer": _timer(),
        **({"pmu": _pmu()} if board.pmu else {}),
        f"intc@{memmap.GICD.base:x}": _interrupt_controller(board),
        "apb-pclk": _clock(),
        UART_PATH.removeprefix("/"): _uart(),
        f"pl031@{memmap.RTC.base:x}": _rtc(),
        **(_pvpanic() if board.pvpanic else {}),
        **dict(_distances(board.numa)),
    }


def _psci() -> Tree:
    return {
        "compatible": strings("arm,psci-1.0", "arm,psci-0.2", "arm,psci"),
        "method": strings("hvc"),
        "cpu_suspend": cells(CPU_SUSPEND),
        "cpu_off": cells(CPU_OFF),
        "cpu_on": cells(CPU_ON),
        "migrate": cells(MIGRATE),
    }


def _memory(board: Board) -> Iterator[tuple[str, Tree]]:
    """One node for each NUMA node that has memory, or one for all."""
    sizes = (board.ram_size,) if board.numa is None else board.numa.memory
    base = memmap.RAM_BASE
    for number, size in enumerate(sizes):
        if not size:
            continue
        yield (
            f"memory@{base:x}",
            {
                "device_type": strings("memory"),
                "reg": wide(base, size),
                **_node_id(board.numa, number),
            },
        )
        base += size


def _node_id(numa: Numa | None, number: int) -> Tree:
    return {} if numa is None else {"numa-node-id": cells(number)}


def _cpus(board: Board) -> Tree:
    """The CPUs, and how they sit together (Documentation/devicetree/bindings/cpu/cpu-topology)."""
    wide_affinity = any(cpu.affinity >> 32 for cpu in board.cpus)
    return {
        "#address-cells": cells(2 if wide_affinity else 1),
        "#size-cells": cells(0),
        "cpu-map": _cpu_map(board),
        **{
            f"cpu@{cpu.index}": _cpu(board, n, wide_affinity=wide_affinity)
            for n, cpu in enumerate(board.cpus)
        },
    }


def _cpu(board: Board, n: int, *, wide_affinity: bool) -> Tree:
    cpu = board.cpus[n]
    return {
        "device_type": strings("cpu"),
        "compatible": strings(board.cpu_compatible),
        "reg": wide(cpu.affinity) if wide_affinity else cells(cpu.affinity),
        **({"enable-method": strings("psci")} if len(board.cpus) > 1 else {}),
        **({} if board.numa is None else _node_id(board.numa, board.numa.cpus[cpu.index])),
        "phandle": cells(board.cpu_phandle(n)),
    }


def _cpu_map(board: Board) -> Tree:
    places = [(cpu.location, board.cpu_phandle(n)) for n, cpu in enumerate(board.cpus)]
    return _nested(0, len(MAP_LEVELS) if board.threads else len(MAP_LEVELS) - 1, places)


def _nested(depth: int, leaf: int, places: Sequence[tuple[CpuLocation, int]]) -> Tree:
    """Nodes within nodes, from the locations and phandles of the CPUs in ascending order.

    The binding numbers those that are there from 0 on, whatever their ids.
    """
    if depth == leaf:
        return {"cpu": cells(places[0][1])}
    groups = groupby(places, key=lambda place: place[0][depth])
    return {
        f"{MAP_LEVELS[depth]}{number}": _nested(depth + 1, leaf, list(group))
        for number, (_, group) in enumerate(groups)
    }


def _ppi(intid: int) -> bytes:
    return cells(PPI, intid - SGIS, LEVEL_HIGH)


def _timer() -> Tree:
    """The generic timers: secure, physical, virtual, hypervisor, in the binding's order."""
    order = (
        memmap.PPI_SECURE_TIMER,
        memmap.PPI_PHYSICAL_TIMER,
        memmap.PPI_VIRTUAL_TIMER,
        memmap.PPI_HYPERVISOR_TIMER,
    )
    return {
        "compatible": strings("arm,armv8-timer", "arm,armv7-timer"),
        "always-on": FLAG,
        "interrupts": b"".join(map(_ppi, order)),
    }


def _pmu() -> Tree:
    return {"compatible": strings("arm,armv8-pmuv3"), "interrupts": _ppi(memmap.PPI_PMU)}


def _interrupt_controller(board: Board) -> Tree:
    return {
        "compatible": strings("arm,gic-v3"),
        "#interrupt-cells": cells(3),
        "interrupt-controller": FLAG,
        "#address-cells": cells(2),
        "#size-cells": cells(2),
        "ranges": FLAG,
        "#redistributor-regions": cells(len(board.redistributors)),
        "reg": wide(*memmap.GICD) + b"".join(wide(*region) for region in board.redistributors),
        "phandle": cells(board.gic_phandle),
    }


def _clock() -> Tree:
    """What drives the PrimeCells' bus interface."""
    return {
        "compatible": strings("fixed-clock"),
        "#clock-cells": cells(0),
        "clock-frequency": cells(CLOCK_HZ),
        "clock-output-names": strings("clk24mhz"),
        "phandle": cells(CLOCK),
    }


def _uart() -> Tree:
    return {
        "compatible": strings("arm,pl011", "arm,primecell"),
        "reg": wide(*memmap.UART0),
        "interrupts": cells(SPI, memmap.UART0_SPI, LEVEL_HIGH),
        "clocks": cells(CLOCK, CLOCK),
        "clock-names": strings("uartclk", "apb_pclk"),
    }


def _rtc() -> Tree:
    return {
        "compatible": strings("arm,pl031", "arm,primecell"),
        "reg": wide(*memmap.RTC),
        "interrupts": cells(SPI, memmap.RTC_SPI, LEVEL_HIGH),
        "clocks": cells(CLOCK),
        "clock-names": strings("apb_pclk"),
    }


def _pvpanic() -> Tree:
    """The panic device (Documentation/devicetree/bindings/misc/qemu,pvpanic-mmio)."""
    name = f"pvpanic-mmio@{memmap.PVPANIC.base:x}"
    return {name: {"compatible": strings("qemu,pvpanic-mmio"), "reg": wide(*memmap.PVPANIC)}}


def _distances(numa: Numa | None) -> Iterator[tuple[str, Tree]]:
    """How far the nodes are from each other (Documentation/devicetree/bindings/numa.txt)."""
    if numa is None or not numa.distances:
        return
    matrix = [
        (source, target, distance)
        for source, row in enumerate(numa.distances)
        for target, distance in enumerate(row)
    ]
    yield (
        "distance-map",
        {
            "compatible": strings("numa-distance-map-v1"),
            "distance-matrix": b"".join(cells(*entry) for entry in matrix),
        },
    )
