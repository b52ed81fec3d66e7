"""What the boot protocol hands over: found where it is, and refused where a link is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from machine.firmware import loader
from machine.guest import firmware
from machine.guest.firmware import FirmwareError
from machine.guest.of_fdt import load_tree
from machine.memmap import RAM_BASE
from machine.memory import Ram
from tests.machine.acpi.shapes import SHAPES
from tests.machine.acpi.tables import chosen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from machine.guest.platform import Platform
    from tests.machine.board import Make

SIZE = 64 << 20
X0 = RAM_BASE + loader.FDT_OFFSET


@pytest.fixture
def ram() -> Iterator[Ram]:
    """RAM as firmware leaves it; the guest's loads go straight there."""
    ram = Ram(RAM_BASE, SIZE)
    tables = dict(SHAPES["flat"].tables())
    for made in ("RSDP", "XSDT", "FACP"):
        del tables[made]
    loader.load(ram, tables, dict)
    yield ram
    ram.close()


def dram(ram: Ram) -> tuple[int, int]:
    platform = cast("Platform", ram)  # all that is asked for are loads
    found = load_tree(platform, X0).child("chosen")
    assert found is not None
    return firmware.find_dram(platform, found.properties)


def replace(ram: Ram, before: bytes, after: bytes) -> None:
    """Change the device tree's only place with these bytes."""
    tree = ram.read_bytes(X0, 4096)
    assert tree.count(before) == 1
    ram.write_bytes(X0, tree.replace(before, after))


def test_ram_is_what_the_memory_map_says(ram: Ram) -> None:
    assert dram(ram) == (RAM_BASE, RAM_BASE + SIZE)


@pytest.mark.parametrize("name", [b"mmap-start", b"mmap-size", b"mmap-desc-size"])
def test_without_a_part_of_the_map_there_is_none(ram: Ram, name: bytes) -> None:
    replace(ram, b"linux,uefi-" + name + b"\0", b"linux,UEFI-" + name + b"\0")
    with pytest.raises(FirmwareError, match="no EFI memory map"):
        dram(ram)


def test_descriptors_must_have_room_for_what_they_say(ram: Ram) -> None:
    names = "linux,uefi-mmap-size", "linux,uefi-mmap-desc-size"
    size, step = (chosen(ram.read_bytes, X0)[name] for name in names)
    assert (size, step) == (bytes([0, 0, 0, 96]), bytes([0, 0, 0, 48]))
    tree = ram.read_bytes(X0, 4096)
    ram.write_bytes(X0, tree.replace(step, bytes([0, 0, 0, 39])))
    with pytest.raises(FirmwareError, match="too short"):
        dram(ram)


def test_memory_that_cannot_be_cached_is_no_ram(ram: Ram) -> None:
    start = int.from_bytes(chosen(ram.read_bytes, X0)["linux,uefi-mmap-start"], "big")
    ram.write_bytes(start + 48 + 32, bytes(8))  # attributes of the second descriptor
    assert dram(ram)[1] < RAM_BASE + SIZE
    ram.write_bytes(start + 32, bytes(8))
    with pytest.raises(FirmwareError, match="no RAM"):
        dram(ram)


def test_a_kernel_without_a_memory_map_does_not_boot(boards: Make) -> None:
    board = boards(boot=False)
    lines: list[str] = []
    board.machine.trace.listen(lambda point: lines.append(point.name))
    replace(board.machine.ram, b"linux,uefi-mmap-size\0", b"linux,UEFI-mmap-size\0")
    board.settle()
    panic = "Kernel panic - not syncing: no EFI memory map in /chosen"
    assert any(line.endswith(panic) for line in lines)
    assert board.online() == []
