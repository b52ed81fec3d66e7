from __future__ import annotations

import pytest

from machine.gicv3.distributor import Distributor
from machine.gicv3.gic import SYSTEM_REGISTERS, GicV3, UnknownRegister
from machine.gicv3.redistributor import FRAMES_SIZE, Redistributor
from machine.register import Reg
from tests.machine.gicv3 import bench as b
from tests.machine.gicv3.bench import ALL, Bench

RD_TYPER = 0x8


@pytest.mark.parametrize(
    ("offset", "value"),
    [
        (0x0000, 0x50),  # CTLR: DS and ARE, groups disabled
        (0x0004, 0x480008),  # TYPER: 10 INTID bits, 8 * 32 SPIs
        (0x0008, 0x4B00243B),  # IIDR
        (0x000C, 0),  # TYPER2
        (0x0010, 0),  # STATUSR
        (0x0084, ALL),  # IGROUPR1
        (0x0104, 0),  # ISENABLER1
        (0x0420, 0),  # IPRIORITYR
        (0x0C08, 0),  # ICFGR2: level
        (0x6100, 0),  # IROUTER32
        (0xFFE8, 0x3B),  # PIDR2
    ],
)
def test_distributor_registers_after_reset(gic: Bench, offset: int, value: int) -> None:
    assert gic.gicd.read(offset, 4) == value


@pytest.mark.parametrize(
    ("offset", "value"),
    [
        (0x00000, 0),  # CTLR
        (0x00004, 0x4B00043B),  # IIDR
        (0x00010, 0),  # STATUSR
        (0x00014, 0x6),  # WAKER: ProcessorSleep, ChildrenAsleep
        (0x0FFE8, 0x3B),  # PIDR2
        (0x10080, ALL),  # IGROUPR0
        (0x10100, 0xFFFF),  # ISENABLER0: the SGIs
        (0x10400, 0),  # IPRIORITYR0
        (0x10C00, 0xAAAAAAAA),  # ICFGR0: SGIs are edge-triggered
        (0x10C04, 0),  # ICFGR1: PPIs are level-sensitive
    ],
)
def test_redistributor_registers_after_reset(gic: Bench, offset: int, value: int) -> None:
    assert gic.gicr.read(offset, 4) == value


@pytest.mark.parametrize("device", [Distributor, Redistributor])
def test_every_declared_register_can_be_accessed_and_none_is_a_stray(
    gic: Bench,
    device: type[Distributor | Redistributor],
) -> None:
    target = gic.gicd if device is Distributor else gic.cpu(0).redistributor
    for register in device.registers:
        assert isinstance(register, Reg)
        for n in (0, register.count - 1):
            at = register.offset + n * register.size
            target.write(at, register.size, target.read(at, register.size))
    assert target.stray_accesses == 0


def test_the_first_32_interrupts_are_not_in_the_distributor(gic: Bench) -> None:
    for register in (b.IGROUPR, b.ISENABLER, b.ISPENDR, b.ISACTIVER, b.IPRIORITYR, b.ICFGR):
        gic.gicd.write(register, 4, ALL)
        assert gic.gicd.read(register, 4) == 0


def test_interrupts_behind_the_last_spi_read_as_zero(gic: Bench) -> None:
    for register in (b.IGROUPR, b.ISENABLER, b.ISPENDR):
        gic.gicd.write(register + 9 * 4, 4, ALL)
        assert gic.gicd.read(register + 9 * 4, 4) == 0
    gic.route(288, 1)
    assert gic.gicd.read(b.IROUTER + 8 * 288, 8) == 0


def test_the_special_intids_are_not_implemented_in_the_largest_gic() -> None:
    gic = Bench(spis=992)
    gic.gicd.write(b.ISENABLER + 31 * 4, 4, ALL)
    assert gic.gicd.read(b.ISENABLER + 31 * 4, 4) == 0x0FFFFFFF
    with pytest.raises(ValueError, match="1020"):
        gic.gic.set_spi(1020, True)


@pytest.mark.parametrize(
    ("set_", "clear"),
    [(b.ISENABLER, b.ICENABLER), (b.ISPENDR, b.ICPENDR), (b.ISACTIVER, b.ICACTIVER)],
)
def test_set_and_clear_registers_write_ones_and_read_alike(
    gic: Bench,
    set_: int,
    clear: int,
) -> None:
    gic.gicd.write(set_ + 4, 4, 0xF0)
    gic.gicd.write(set_ + 4, 4, 0x0F)
    assert gic.gicd.read(set_ + 4, 4) == gic.gicd.read(clear + 4, 4) == 0xFF
    gic.gicd.write(clear + 4, 4, 0x3C)
    assert gic.gicd.read(set_ + 4, 4) == gic.gicd.read(clear + 4, 4) == 0xC3


def test_priorities_have_five_bits_and_are_accessible_by_byte(gic: Bench) -> None:
    gic.gicd.write(b.IPRIORITYR + 32, 4, 0xFFA0B7C8)
    gic.gicd.write(b.IPRIORITYR + 33, 1, 0x1F)
    assert gic.gicd.read(b.IPRIORITYR + 32, 4) == 0xF8A018C8
    assert gic.gicd.read(b.IPRIORITYR + 35, 1) == 0xF8


def test_the_trigger_has_one_writable_bit_of_two(gic: Bench) -> None:
    gic.gicd.write(b.ICFGR + 8, 4, 0xC0000007)
    assert gic.gicd.read(b.ICFGR + 8, 4) == 0x80000002


def test_the_trigger_of_sgis_is_read_only_and_that_of_ppis_is_not(gic: Bench) -> None:
    assert gic.sgi_base(0, b.ICFGR, 0) == 0xAAAAAAAA
    assert gic.sgi_base(0, b.ICFGR + 4, ALL) == 0xAAAAAAAA


def test_irouter_ignores_aff3_and_keeps_the_routing_mode(gic: Bench) -> None:
    gic.route(40, ALL << 32 | ALL)
    assert gic.gicd.read(b.IROUTER + 320, 8) == 0x80FFFFFF
    gic.gicd.write(b.IROUTER + 324, 4, ALL)
    assert gic.gicd.read(b.IROUTER + 320, 8) == 0x80FFFFFF


def test_gicd_ctlr_keeps_the_enables_and_nothing_else(gic: Bench) -> None:
    gic.gicd.write(b.CTLR, 4, ALL)
    assert gic.gicd.read(b.CTLR, 4) == 0x53
    gic.gicd.write(b.CTLR, 4, 0)
    assert gic.gicd.read(b.CTLR, 4) == 0x50


def test_gicr_typer_tells_affinity_number_and_the_last_of_a_region() -> None:
    gic = Bench(18)
    typers = [gic.gicr.read(n * FRAMES_SIZE + RD_TYPER, 8) for n in range(18)]
    assert typers[3] == 3 << 32 | 3 << 8
    assert typers[17] == 0x101 << 32 | 17 << 8 | 1 << 4
    assert gic.gicr.read(17 * FRAMES_SIZE + RD_TYPER + 4, 4) == 0x101


def test_two_regions_have_each_a_last_redistributor_unless_they_touch() -> None:
    gic = GicV3(range(6))
    low, high = gic.redistributor_region(0, 2), gic.redistributor_region(2, 4)
    assert low.read(FRAMES_SIZE + RD_TYPER, 4) & 0x10
    assert high.read(3 * FRAMES_SIZE + RD_TYPER, 4) & 0x10
    assert not gic.redistributor_region(0, 2, last=False).read(FRAMES_SIZE + RD_TYPER, 4) & 0x10


@pytest.mark.parametrize(("first", "count"), [(0, 0), (1, 2), (2, 1)])
def test_a_region_of_redistributors_that_do_not_exist_is_refused(
    gic: Bench,
    first: int,
    count: int,
) -> None:
    with pytest.raises(ValueError, match="redistributors"):
        gic.gic.redistributor_region(first, count)


def test_lpi_tables_are_remembered_though_there_are_no_lpis(gic: Bench) -> None:
    gic.gicr.write(0x70, 8, 0x0304_5678_9ABC_D78F)
    assert gic.gicr.read(0x70, 8) == 0x0304_5678_9ABC_D78F
    gic.gicr.write(0x78, 8, ALL << 32 | ALL)
    gic.gicr.write(0x7C, 4, 0x0704_5678)
    assert gic.gicr.read(0x78, 8) == 0x0704_5678_FFFF_0F80
    gic.gicr.write(0x0, 4, 1)
    assert gic.gicr.read(0x0, 4) == 0


@pytest.mark.parametrize(
    ("register", "reads"),
    [(0x70, 0x070F_FFFF_FFFF_FF9F), (0x78, 0x070F_FFFF_FFFF_0F80)],
)
def test_reserved_bits_of_the_lpi_tables_read_as_zero(
    gic: Bench,
    register: int,
    reads: int,
) -> None:
    gic.gicr.write(register, 8, ALL << 32 | ALL)
    assert gic.gicr.read(register, 8) == reads


@pytest.mark.parametrize(
    ("offset", "size"),
    [
        (b.ISENABLER + 4, 1),
        (b.ISENABLER + 4, 2),
        (b.ISENABLER + 4, 8),
        (b.ISENABLER + 6, 4),
        (b.ICFGR + 8, 8),
        (b.IPRIORITYR + 34, 4),
        (b.IPRIORITYR + 32, 8),
        (b.IROUTER + 8 * 40, 2),
        (b.IROUTER + 8 * 40 + 4, 8),
    ],
)
def test_an_access_of_a_size_or_place_that_no_register_has_reads_0_and_is_ignored(
    gic: Bench,
    offset: int,
    size: int,
) -> None:
    for register in (b.ISENABLER + 4, b.ICFGR + 8, b.IPRIORITYR + 32):
        gic.gicd.write(register, 4, 0xA8A8A8A8)
    gic.route(40, 1)
    before = [gic.gicd.read(offset & ~7 | n, 4) for n in (0, 4, 8)]
    assert gic.gicd.read(offset, size) == 0
    gic.gicd.write(offset, size, (1 << 8 * size) - 1)
    assert [gic.gicd.read(offset & ~7 | n, 4) for n in (0, 4, 8)] == before
    assert gic.gicd.stray_accesses == 2


@pytest.mark.parametrize("spis", [0, 33, 1024])
def test_a_number_of_spis_that_typer_cannot_say_is_refused(spis: int) -> None:
    with pytest.raises(ValueError, match="multiple of 32"):
        GicV3([0], spis=spis)


def test_two_cpus_of_one_affinity_are_refused() -> None:
    with pytest.raises(ValueError, match="affinity"):
        GicV3([1, 1])


def test_only_ppis_and_spis_have_input_lines(gic: Bench) -> None:
    for intid in (15, 32):
        with pytest.raises(ValueError, match="not a PPI"):
            gic.gic.set_ppi(0, intid, True)
    for intid in (31, 288):
        with pytest.raises(ValueError, match="not an SPI"):
            gic.gic.set_spi(intid, True)


@pytest.mark.parametrize(
    ("register", "written", "reads"),
    [
        ("ICC_PMR_EL1", 0xFF, 0xF8),
        ("ICC_BPR0_EL1", 0, 2),
        ("ICC_BPR0_EL1", 0xFF, 7),
        ("ICC_BPR1_EL1", 0, 3),
        ("ICC_BPR1_EL1", 5, 5),
        ("ICC_CTLR_EL1", ALL, 0x403),
        ("ICC_CTLR_EL1", 0, 0x400),
        ("ICC_SRE_EL1", 0, 7),
        ("ICC_IGRPEN0_EL1", ALL, 1),
        ("ICC_IGRPEN1_EL1", ALL, 1),
        ("ICC_AP1R0_EL1", 0x80, 0x80),
        ("ICC_AP0R0_EL1", 0x1, 0x1),
    ],
)
def test_system_registers_keep_what_is_implemented(
    gic: Bench,
    register: str,
    written: int,
    reads: int,
) -> None:
    gic.cpu().msr(register, written)
    assert gic.cpu().mrs(register) == reads


def test_an_idle_interface_has_nothing_to_say(gic: Bench) -> None:
    assert gic.cpu().mrs("ICC_RPR_EL1") == 0xFF
    for register in ("ICC_IAR0_EL1", "ICC_IAR1_EL1", "ICC_HPPIR0_EL1", "ICC_HPPIR1_EL1"):
        assert gic.cpu().mrs(register) == 1023


@pytest.mark.parametrize("register", ["ICC_AP1R1_EL1", "ICC_AP0R3_EL1", "ICC_EOIR1_EL1", "MIDR"])
def test_a_register_that_cannot_be_read_is_undefined(gic: Bench, register: str) -> None:
    with pytest.raises(UnknownRegister):
        gic.cpu().mrs(register)


@pytest.mark.parametrize("register", ["ICC_IAR1_EL1", "ICC_RPR_EL1", "ICC_AP1R1_EL1"])
def test_a_register_that_cannot_be_written_is_undefined(gic: Bench, register: str) -> None:
    with pytest.raises(UnknownRegister):
        gic.cpu().msr(register, 0)


def test_system_registers_are_listed_by_name() -> None:
    assert {"ICC_IAR1_EL1", "ICC_EOIR1_EL1", "ICC_SGI1R_EL1"} <= SYSTEM_REGISTERS
    assert "ICC_AP1R1_EL1" not in SYSTEM_REGISTERS


def test_group_1_takes_the_binary_point_of_group_0_where_cbpr_says_so(gic: Bench) -> None:
    gic.cpu().msr("ICC_BPR0_EL1", 4)
    gic.cpu().msr("ICC_CTLR_EL1", 1)
    gic.cpu().msr("ICC_BPR1_EL1", 7)
    assert gic.cpu().mrs("ICC_BPR1_EL1") == 5
    gic.cpu().msr("ICC_CTLR_EL1", 0)
    assert gic.cpu().mrs("ICC_BPR1_EL1") == 3
