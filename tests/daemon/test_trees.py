"""`info qtree`, `info qom-tree`, `info mtree`: QEMU's text forms, of what this machine has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from daemon.hmp.trees import info_mtree, info_qom_tree, info_qtree
from daemon.options.table import parse
from machine.config import MachineConfig
from machine.topology import Topology
from tests.box import FLAT, Box

if TYPE_CHECKING:
    from collections.abc import Iterator

MANY = Topology(3, 1, 1, 130, 1)
CPU = "cortex-a72-arm-cpu"


@pytest.fixture
def box() -> Iterator[Box]:
    made = Box(MachineConfig(FLAT, ram_size=1 << 30))
    yield made
    made.close()


@pytest.fixture
def many() -> Iterator[Box]:
    made = Box(MachineConfig(MANY, ram_size=1 << 28))
    yield made
    made.close()


def test_the_newest_device_of_a_bus_comes_first(box: Box) -> None:
    assert list(info_qtree(box.context)) == [
        "bus: main-system-bus",
        "  type System",
        '  dev: acpi-ged, id ""',
        '    gpio-out "sysbus-irq" 1',
        "    ged-event = 10 (0xa)",
        "    mmio 0000000009080000/0000000000000004",
        "    mmio 00000000090c0000/000000000000000c",
        '  dev: pl031, id ""',
        '    gpio-out "sysbus-irq" 1',
        "    migrate-tick-offset = true",
        "    mmio 0000000009010000/0000000000001000",
        '  dev: pl011, id ""',
        '    gpio-out "sysbus-irq" 6',
        '    clock-in "clk" freq_hz=0 Hz',
        '    chardev = "serial0"',
        "    migrate-clk = true",
        "    mmio ffffffffffffffff/0000000000001000",
        '  dev: arm-gicv3, id ""',
        '    gpio-out "sysbus-irq" 36',
        '    gpio-in "" 448',
        "    num-cpu = 6 (0x6)",
        "    num-smp-cpu = 2 (0x2)",
        "    num-irq = 288 (0x120)",
        "    revision = 3 (0x3)",
        "    has-lpi = false",
        "    has-nmi = false",
        "    has-security-extensions = false",
        "    force-8-bit-prio = false",
        "    redist-region-count = 6 (0x6)",
        "    mmio 0000000008000000/0000000000010000",
        "    mmio 00000000080a0000/00000000000c0000",
    ]


def test_redistributors_without_room_have_a_second_region(many: Box) -> None:
    assert list(info_qtree(many.context))[-4:] == [
        "    redist-region-count = 7,123 (0x7,0x7b)",
        "    mmio 0000000008000000/0000000000010000",
        "    mmio 00000000080a0000/0000000000f60000",
        "    mmio 0000004000000000/00000000000e0000",
    ]


def test_a_machine_without_acpi_has_no_ged() -> None:
    box = Box(MachineConfig(FLAT, acpi=False), boot=False)
    assert not [line for line in info_qtree(box.context) if "ged" in line]
    assert not [line for line in info_mtree(box.context, flat=True) if "acpi" in line]
    box.close()


def test_the_tree_of_objects_is_sorted_by_name(box: Box) -> None:
    box.returned("device_add", driver=CPU, id="late", core_id=5)
    lines = [line for line in info_qom_tree(box.context) if "(irq)" not in line]
    assert lines == [
        "/machine (virt-9.2-machine)",
        "  /peripheral (container)",
        f"    /late ({CPU})",
        "  /peripheral-anon (container)",
        "  /unattached (container)",
        f"    /device[0] ({CPU})",
        f"    /device[1] ({CPU})",
        "    /device[2] (arm-gicv3)",
        "      /gicv3_dist[0] (memory-region)",
        "      /gicv3_redist_region\\x5b0\\x5d[0] (memory-region)",
        "    /device[4] (pl011)",
        "      /clk (clock)",
        "      /pl011[0] (memory-region)",
        "    /device[5] (pl031)",
        "      /pl031[0] (memory-region)",
        "    /device[7] (acpi-ged)",
        "      /acpi-cpu-hotplug[0] (memory-region)",
        "      /acpi-ged[0] (memory-region)",
        "    /sysbus (System)",
        "    /system[0] (memory-region)",
    ]


def test_a_path_cuts_the_tree(box: Box) -> None:
    lines = list(info_qom_tree(box.context, "device[1]"))
    assert lines == [
        f"/device[1] ({CPU})",
        *(f"  /unnamed-gpio-in[{n}] (irq)" for n in range(6)),
    ]
    assert next(info_qom_tree(box.context, "/")) == "/ (container)"
    over_a_link = list(info_qom_tree(box.context, "/machine/unattached/device[0]/memory"))
    assert over_a_link == ["/system[0] (memory-region)"]


@pytest.mark.parametrize("path", ["nosuch", "/nosuch", "unnamed-gpio-in[0]"])
def test_a_path_that_is_no_objects_or_several_is_told(box: Box, path: str) -> None:
    lines = list(info_qom_tree(box.context, path))
    assert lines == [f"Path '{path}' could not be resolved."]


REGIONS = [
    "0000000008000000-000000000800ffff (prio 0, i/o): gicv3_dist",
    "00000000080a0000-000000000815ffff (prio 0, i/o): gicv3_redist_region[0]",
    "0000000009000000-0000000009000fff (prio 0, i/o): pl011",
    "0000000009010000-0000000009010fff (prio 0, i/o): pl031",
    "0000000009080000-0000000009080003 (prio 0, i/o): acpi-ged",
    "00000000090c0000-00000000090c000b (prio 0, i/o): acpi-cpu-hotplug",
    "0000000040000000-000000007fffffff (prio 0, ram): mach-virt.ram",
]


def test_memory_is_shown_as_regions_within_regions(box: Box) -> None:
    assert list(info_mtree(box.context, flat=False)) == [
        "address-space: cpu-memory-0",
        "address-space: cpu-memory-1",
        "address-space: memory",
        "  0000000000000000-ffffffffffffffff (prio 0, i/o): system",
        *(f"    {line}" for line in REGIONS),
        "",
    ]


def test_memory_is_shown_as_each_address_space_sees_it(box: Box) -> None:
    box.returned("device_add", driver=CPU, id="late", core_id=5)
    assert list(info_mtree(box.context, flat=True)) == [
        "FlatView #0",
        ' AS "memory", root: system',
        ' AS "cpu-memory-0", root: system',
        ' AS "cpu-memory-1", root: system',
        ' AS "cpu-memory-5", root: system',
        " Root memory region: system",
        *(f"  {line}" for line in REGIONS),
        "",
    ]


NODES = (
    "-m 512M -smp 1,maxcpus=2,sockets=2 -object memory-backend-ram,id=m0,size=384M "
    "-object memory-backend-ram,id=m1,size=128M -object memory-backend-ram,id=spare,size=1M "
    "-numa node,memdev=m1 -numa node,memdev=m0"
)


@pytest.fixture
def nodes() -> Iterator[Box]:
    made = Box(parse(NODES.split()), boot=False)
    yield made
    made.close()


def test_the_memory_of_nodes_lies_in_their_order_within_the_machines(nodes: Box) -> None:
    lines = [line for line in info_mtree(nodes.context, flat=False) if "ram" in line]
    assert lines == [
        "    0000000040000000-000000005fffffff (prio 0, i/o): mach-virt.ram",
        "      0000000040000000-0000000047ffffff (prio 0, ram): m1",
        "      0000000048000000-000000005fffffff (prio 0, ram): m0",
    ]
    flat = [line for line in info_mtree(nodes.context, flat=True) if "ram" in line]
    assert flat == [line[4:] for line in lines[1:]]


def test_a_memory_backend_shows_where_its_memory_is(nodes: Box) -> None:
    tree = nodes.machine.qom
    assert list(info_qom_tree(nodes.context, "/objects"))[1:] == [
        "  /m0 (memory-backend-ram)",
        "    /m0[0] (memory-region)",
        "  /m1 (memory-backend-ram)",
        "    /m1[0] (memory-region)",
        "  /spare (memory-backend-ram)",
        "    /spare[0] (memory-region)",
    ]
    assert "  /mach-virt.ram[0] (memory-region)" in info_qom_tree(nodes.context)
    region = "/objects/m0/m0[0]"
    assert tree.get(region, "addr") == 128 << 20
    assert tree.get(region, "size") == 384 << 20
    assert tree.get(region, "container") == "/machine/mach-virt.ram[0]"
    assert tree.get("/objects/spare/spare[0]", "container") == ""


def test_all_of_the_ram_may_be_in_a_backend_of_the_users() -> None:
    words = "-M virt,memory-backend=m0 -object memory-backend-ram,id=m0,size=256M"
    box = Box(parse(words.split()), boot=False)
    lines = [line for line in info_mtree(box.context, flat=False) if line.endswith("ram): m0")]
    assert lines == ["    0000000040000000-000000004fffffff (prio 0, ram): m0"]
    assert box.machine.qom.get("/objects/m0/m0[0]", "addr") == 0x4000_0000
    assert [told["id"] for told in box.returned("query-memdev")] == ["m0"]
    refused = box.ask("object-del", id="m0")["error"]["desc"]
    assert refused == "object 'm0' is in use, can not be deleted"
    box.close()
