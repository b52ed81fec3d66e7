"""The whole object tree, read as a client would: nothing listed that is not there or not true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from machine.errors import MachineError
from machine.topology import Topology
from tests.machine.board import CPU, SIX

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine.qom.tree import QomTree
    from tests.machine.board import Board, Make

ONE = Topology(1, 1, 1, 1, 1)
DEEP = Topology(3, 2, 2, 2, 8)
"""64 CPUs, of which three are there at start."""

UNREADABLE = {"legacy-memory"}


def nothing(_board: Board) -> None:
    """As it came up."""


def plugged(board: Board) -> None:
    board.plug(2, "named")
    board.plug(3)


def asked_back(board: Board) -> None:
    plugged(board)
    board.machine.stop()
    board.machine.device_del("named")


def gone(board: Board) -> None:
    plugged(board)
    board.unplug("named")
    board.unplug("/machine/peripheral-anon/device[0]")


def full(board: Board) -> None:
    for slot in board.machine.slots:
        if slot.cpu is None:
            ids = {
                f"{level}-id": getattr(slot.location, f"{level}_id")
                for level in ("socket", "cluster", "core", "thread")
            }
            board.machine.device_add({"driver": CPU, "id": f"cpu{slot.index}", **ids})
    board.settle()


def walk(tree: QomTree, path: str = "") -> dict[str, str]:
    """Every object below a path, with its type; everything that it has is read."""
    seen = {path or "/": tree.resolve(path or "/").type}
    for name, type_ in tree.properties(path or "/"):
        if name in UNREADABLE:
            with pytest.raises(MachineError, match="is not readable"):
                tree.get(path, name)
            continue
        value = tree.get(path or "/", name)
        fits(tree, type_, value)
        if type_.startswith("child<") and type_ != "child<irq>":
            assert value == f"{path}/{name}"
            seen |= walk(tree, value)
    return seen


def fits(tree: QomTree, type_: str, value: object) -> None:
    """A value is one of its type; a path leads to an object that is as promised."""
    kind, _, target = type_.removesuffix(">").partition("<")
    if kind in {"child", "link"}:
        assert isinstance(value, str)
        assert value or kind == "link"
        assert not value or tree.types.implements(tree.resolve(value).type, target)
    elif type_ in {"string", "str", "OnOffAuto", "HostMemPolicy"}:
        assert isinstance(value, str)
    elif type_ == "bool":
        assert isinstance(value, bool)
    elif type_.endswith("Configuration"):
        assert isinstance(value, dict)
    elif type_ == "list" or value == []:  # `host-nodes` calls itself an int, as in QEMU
        assert isinstance(value, list)
    else:
        assert isinstance(value, int)
        assert not isinstance(value, bool)


@pytest.mark.parametrize(
    ("topology", "state"),
    [
        (ONE, nothing),
        (SIX, nothing),
        (SIX, plugged),
        (SIX, asked_back),
        (SIX, gone),
        (SIX, full),
        (DEEP, nothing),
        (DEEP, full),
    ],
    ids=lambda value: value.__name__ if callable(value) else str(value.max_cpus),
)
def test_what_is_listed_can_be_read_and_is_of_its_type(
    boards: Make,
    topology: Topology,
    state: Callable[[Board], None],
) -> None:
    board = boards(topology)
    state(board)
    seen = walk(board.machine.qom)
    cpus = {path for path, type_ in seen.items() if type_ == CPU}
    assert cpus == {cpu.path for _, cpu in board.machine.cpus()}
    assert set(seen.values()) <= {
        entry.name for entry in board.machine.qom.types.list(None, abstract=False)
    }


def test_a_cpu_that_is_not_there_adds_nothing(boards: Make) -> None:
    def count(topology: Topology) -> int:
        return len(boards(topology, boot=False).machine.qom.properties("/machine/unattached"))

    assert count(Topology(2, 1, 1, 2, 1)) == count(Topology(2, 1, 1, 256, 1))


def test_lines_lead_from_the_gic_to_a_cpu_and_back(board: Board) -> None:
    tree = board.machine.qom
    gic = "/machine/unattached/device[2]"
    board.plug(4, "four")
    assert tree.get(gic, "sysbus-irq[4]") == "/machine/peripheral/four/unnamed-gpio-in[0]"
    assert tree.get(gic, "sysbus-irq[10]") == "/machine/peripheral/four/unnamed-gpio-in[1]"
    assert tree.get("four", "unnamed-gpio-out[0]") == f"{gic}/unnamed-gpio-in[{256 + 4 * 32 + 30}]"
    board.unplug("four")
    assert tree.get(gic, "sysbus-irq[4]") == ""
    for name in ("sysbus-irq[36]", "sysbus-irq[04]", "unnamed-gpio-in[448]", "sysbus-irq[-1]"):
        with pytest.raises(MachineError, match="not found"):
            tree.get(gic, name)


def test_a_path_may_lead_over_links(board: Board) -> None:
    tree = board.machine.qom
    assert tree.locate("device[0]/memory")[0] == "/machine/unattached/system[0]"
    assert tree.get("/machine/unattached/sysbus/child[0]", "num-cpu") == 6
    with pytest.raises(MachineError, match=r"^Device '/machine/unattached/device\[0\]/parent_bus'"):
        tree.resolve("/machine/unattached/device[0]/parent_bus")


def test_memory_lies_where_the_machine_has_it(board: Board) -> None:
    tree = board.machine.qom
    ram = "/objects/mach-virt.ram/mach-virt.ram[0]"
    assert tree.get("/machine", "memory-backend") == "/objects/mach-virt.ram"
    assert tree.get(ram, "addr") == 0x4000_0000
    assert tree.get(ram, "size") == board.machine.ram.size
    redistributors = "/machine/unattached/device[2]/gicv3_redist_region\\x5b0\\x5d[0]"
    assert tree.get(redistributors, "addr") == 0x080A_0000
    assert tree.get(redistributors, "size") == 6 * 0x2_0000
