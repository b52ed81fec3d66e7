"""What this machine's device tree says: the board as it was made, and the CPUs that are there.

It lies in RAM where there is no ACPI, and `--dump-dtb` writes it in any case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.firmware.device_tree import Board, CpuEntry, device_tree

if TYPE_CHECKING:
    from machine.firmware.fdt import Tree
    from machine.virt import VirtMachine


def board_tree(machine: VirtMachine) -> Tree:
    """The device tree as of now."""
    return device_tree(
        Board(
            cpus=_cpus(machine),
            cpu_compatible=machine.cpu_model.compatible,
            threads=machine.topology.threads > 1,
            pmu=machine.has_pmu,
            ram_size=machine.config.ram_size,
            redistributors=machine.redistributor_regions,
            numa=machine.config.numa,
            pvpanic=machine.config.pvpanic,
        ),
    )


def _cpus(machine: VirtMachine) -> list[CpuEntry]:
    """Those that are plugged, in ascending order."""
    return [
        CpuEntry(slot.index, slot.arch_id, slot.location)
        for slot in machine.slots
        if slot.cpu is not None
    ]
