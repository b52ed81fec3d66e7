"""Stages put in force in a machine, and what its layers then say of a CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from machine.faults.stage import Stage
from machine.kvm.smccc import CPU_ON_64, SMC64, Function
from tests.machine.guest_side import psci

if TYPE_CHECKING:
    from machine.trace import TracePoint
    from machine.virt import VirtMachine
    from tests.machine.board import Board

AFFINITY_INFO = Function.AFFINITY_INFO | SMC64
ON, OFF, ON_PENDING = 0, 1, 2
"""What AFFINITY_INFO says."""
MS, SECOND = 1_000_000, 1_000_000_000


def inject(machine: VirtMachine, when: str, do: str, name: str | None = None, **rest: Any) -> None:
    """Put a stage in force."""
    name = name or machine.faults.free_name(when)
    machine.faults.inject(Stage(when=when, do=do, name=name, **rest))


def affinity_info(board: Board, index: int) -> int:
    """What CPU 0 is told of another."""
    return psci(board.vcpu(), AFFINITY_INFO, board.slot(index).arch_id, 0)


def cpu_on(board: Board, index: int) -> int:
    """CPU_ON of a CPU, by CPU 0, at an address where there is no code."""
    return psci(board.vcpu(), CPU_ON_64, board.slot(index).arch_id, 0x4000_0000 + 0x8000, 0)


def online_file(index: int) -> str:
    """The file of the guest's by which a CPU is onlined and offlined."""
    return f"/sys/devices/system/cpu/cpu{index}/online"


def log(board: Board) -> str:
    """What the guest has logged since its boot."""
    kernel = board.machine.power.kernel
    assert kernel is not None
    return "".join(kernel.log.lines)


def watched(machine: VirtMachine, layer: str) -> list[TracePoint]:
    """What a layer reports from now on."""
    points: list[TracePoint] = []
    machine.trace.listen(lambda point: points.append(point) if point.layer == layer else None)
    return points


def pass_time(board: Board, ns: int) -> None:
    """Let so much time pass, or less if the machine stops meanwhile."""
    clock = board.machine.clock
    end = clock.now + ns
    while board.machine.running and (due := clock.next_deadline) is not None and due <= end:
        clock.advance_to(due)
    if board.machine.running:
        clock.advance_to(end)
