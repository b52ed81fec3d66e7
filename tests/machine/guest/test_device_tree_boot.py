"""Without ACPI the guest boots by what the device tree says, and by that only."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from machine.config import MachineConfig
from machine.firmware.fdt import cells, fdt, strings
from machine.guest.firmware import FirmwareError
from machine.guest.of_fdt import Node, unflatten
from machine.topology import Topology
from machine.virt import VirtMachine
from machine.virt_fdt import board_tree
from tests.machine.board import SMALL
from tests.machine.guest.recording import Replay, record

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine.trace import TracePoint
    from tests.machine.board import Board, Make

Tree = dict[str, Any]
EXTRA = {"driver": "cortex-a72-arm-cpu", "id": "extra", "core-id": "4"}
FOUR = Topology(4, 1, 1, 4, 1)
HORIZON = 60_000_000_000
"""Nanoseconds after which every CPU that does not come up has been given up."""


NO_TREE = [
    "Kernel panic - not syncing: no device tree",
    "---[ end Kernel panic - not syncing: no device tree ]---",
]


def boot(board: Board, change: Callable[[Tree], object] | None = None) -> list[str]:
    """Let the guest boot, from the tree as changed; what its kernel's log says."""
    said: list[str] = []

    def hear(point: TracePoint) -> None:
        if point.name.startswith("["):
            said.append(point.name.partition("] ")[2])

    board.machine.trace.listen(hear)
    if change is not None:
        tree = deepcopy(dict(board_tree(board.machine)))
        change(tree)
        board.machine.ram.write_bytes(board.vcpu().x0, fdt(tree))
    board.settle()
    return said


@pytest.fixture
def off(boards: Make) -> Board:
    """Four CPUs without ACPI, not yet booted."""
    return boards(FOUR, acpi=False, boot=False)


def test_every_cpu_of_the_tree_is_brought_up(off: Board) -> None:
    said = boot(off)
    assert off.online() == [0, 1, 2, 3]
    kernel = off.machine.power.kernel
    assert kernel is not None
    assert all(cpu.enabled for cpu in kernel.cpus)
    assert said[:4] == [
        "Machine model: linux,dummy-virt",
        "earlycon: pl11 at MMIO 0x0000000009000000 (options '')",
        "psci: probing for conduit method from DT.",
        "psci: PSCIv1.1 detected in firmware.",
    ]
    assert said[-1] == "smp: Brought up 1 node, 4 CPUs"
    assert not [line for line in said if "ACPI" in line]


def test_a_cpu_of_the_command_line_is_among_them(boards: Make) -> None:
    board = boards(acpi=False, devices=(EXTRA,))
    assert board.online() == [0, 1, 4]


def test_cpus_of_the_second_redistributor_region_come_up_too(boards: Make) -> None:
    board = boards(Topology(140, 1, 1, 140, 1), acpi=False)
    assert board.online() == list(range(140))


def test_a_reset_boots_it_again(off: Board) -> None:
    boot(off)
    off.machine.system_reset()
    off.settle()
    assert off.online() == [0, 1, 2, 3]


def test_the_guest_asks_the_tree_and_not_the_machine(off: Board) -> None:
    boot(off, lambda tree: tree["cpus"].pop("cpu@2"))
    assert off.online() == [0, 1, 3]


def test_a_cpu_without_a_method_stays_off(off: Board) -> None:
    said = boot(off, lambda tree: tree["cpus"]["cpu@1"].pop("enable-method"))
    assert "/cpus/cpu@1: missing enable-method property" in said
    assert off.online() == [0, 2, 3]


def test_a_cpu_with_a_foreign_method_stays_off(off: Board) -> None:
    def spin(tree: Tree) -> None:
        tree["cpus"]["cpu@3"]["enable-method"] = strings("spin-table")

    assert "Unsupported enable-method spin-table" in boot(off, spin)
    assert off.online() == [0, 1, 2]


def test_a_cpu_that_firmware_does_not_know_keeps_no_other_from_booting(
    off: Board,
) -> None:
    def elsewhere(tree: Tree) -> None:
        tree["cpus"]["cpu@3"]["reg"] = cells(0x30000)

    assert "smp: Brought up 1 node, 3 CPUs" in boot(off, elsewhere)
    assert off.online() == [0, 1, 2]


def test_a_conduit_that_there_is_not_is_said_and_not_used(off: Board) -> None:
    def smc(tree: Tree) -> None:
        tree["psci"]["method"] = strings("smc")

    said = boot(off, smc)
    assert 'psci: invalid "method" property: smc' in said
    assert "no cpu_on method, not booting CPU3" in said
    assert off.online() == [0]


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        ("cpus", "no CPUs in the device tree"),
        ("intc@8000000", "no interrupt controller in the device tree"),
        ("timer", "no timer in the device tree"),
        ("memory@40000000", "no memory in the device tree"),
    ],
)
def test_a_tree_that_lacks_what_a_kernel_needs_is_a_panic(
    off: Board, node: str, reason: str
) -> None:
    assert f"Kernel panic - not syncing: {reason}" in boot(off, lambda tree: tree.pop(node))
    assert off.online() == []


def test_a_tree_that_is_none_is_a_panic(off: Board) -> None:
    off.machine.ram.write_bytes(off.vcpu().x0, bytes(64))
    assert boot(off) == NO_TREE


def test_a_tree_that_is_too_large_is_a_panic(off: Board) -> None:
    off.machine.ram.write_bytes(off.vcpu().x0 + 4, b"\xff" * 4)
    assert boot(off) == NO_TREE


def test_a_boot_by_device_tree_replays_with_no_machine_behind(off: Board) -> None:
    log = record(off.machine)
    off.settle()
    replay = Replay(log)
    replay.run()
    assert replay.image is not None
    assert replay.image.kernel is not None
    assert [cpu.online for cpu in replay.image.kernel.cpus] == [True] * 4


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=5),
)
@example([(0.6381604305727502, 0)])  # the redistributors' region is elsewhere
def test_from_a_damaged_tree_the_guest_boots_or_panics(changes: list[tuple[float, int]]) -> None:
    machine = VirtMachine(MachineConfig(Topology(3, 1, 1, 3, 1), ram_size=SMALL, acpi=False))
    blob = bytearray(fdt(board_tree(machine)))
    for place, value in changes:
        blob[int(place * len(blob))] = value
    machine.ram.write_bytes(machine.slots[0].vcpu.x0, bytes(blob))
    machine.clock.run_until_idle(HORIZON)
    assert machine.power.kernel is not None
    machine.close()


# The unflattening


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", ""),
        ("/soc/uart@9", "uart@9"),
        ("/soc/uart", "uart@9"),
        ("serial0", "uart@9"),
        ("bus/uart@9", "uart@9"),
        ("/soc/uart@8", None),
        ("/soc/uart@9/below", None),
        ("serial1", None),
        ("loop", None),
        ("", None),
    ],
)
def test_a_node_is_found_by_its_path_or_an_alias(path: str, name: str | None) -> None:
    aliases = {"serial0": strings("/soc/uart@9"), "bus": strings("/soc"), "loop": strings("loop")}
    root = unflatten(fdt({"aliases": aliases, "soc": {"uart@9": {}}}))
    found = root.find(path)
    assert (found.name if found is not None else None) == name


def test_reg_is_as_wide_as_the_parent_says() -> None:
    tree = {
        "#address-cells": cells(2),
        "#size-cells": cells(1),
        "wide@1": {"reg": cells(1, 2, 3, 4, 5, 6)},
        "bus": {"#address-cells": cells(1), "#size-cells": cells(0), "narrow@7": {"reg": cells(7)}},
    }
    root = unflatten(fdt(tree))
    (wide, bus) = root.children
    assert wide.reg() == [(1 << 32 | 2, 3), (4 << 32 | 5, 6)]
    assert bus.children[0].reg() == [(7, 0)]


def test_a_path_is_printed_as_linux_prints_it() -> None:
    root = unflatten(fdt({"cpus": {"cpu@0": {}}}))
    assert [str(node) for node in root.walk()] == ["/", "/cpus", "/cpus/cpu@0"]


def test_a_name_may_be_asked_for_without_its_address() -> None:
    root = unflatten(fdt({"memory@40000000": {}, "memory-controller": {}}))
    found = root.child("memory")
    assert found is not None
    assert found.name == "memory@40000000"
    assert root.child("mem") is None


BLOB = fdt(
    {
        "#address-cells": cells(2),
        "compatible": strings("a", "b"),
        "cpus": {"cpu@0": {"reg": cells(0), "device_type": strings("cpu")}},
    },
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(BLOB) - 1), st.integers(0, 255)), max_size=6),
    st.integers(40, len(BLOB)),
)
def test_a_damaged_blob_is_a_tree_or_a_firmware_error(
    changes: list[tuple[int, int]], length: int
) -> None:
    blob = bytearray(BLOB)
    for at, value in changes:
        blob[at] = value
    try:
        root = unflatten(bytes(blob[:length]))
    except FirmwareError:
        return
    assert all(isinstance(node, Node) for node in root.walk())
