"""The vGIC device by attribute numbers: which there are, and the errno of each that is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine.kvm.sysreg import encoding
from machine.kvm.vcpu import MpState
from machine.kvm.vgic import REDISTRIBUTOR_SIZE, RedistRegion, Vgic
from machine.kvm.vgic_attr import UNDEFINED, Addr, Ctrl, Group
from tests.machine.kvm.host import DIST, REDIST, Host, refused

GET, SET = "KVM_GET_DEVICE_ATTR", "KVM_SET_DEVICE_ATTR"
HIGH = 256 << 30
TYPER = 8
ICC_PMR = encoding(3, 0, 4, 6, 0)
ICC_BPR1, ICC_CTLR, ICC_SRE = (encoding(3, 0, 12, 12, op2) for op2 in (3, 4, 5))
ICC_AP1R0, ICC_AP1R1 = (encoding(3, 0, 12, 9, op2) for op2 in (0, 1))
ICC_IAR1 = encoding(3, 0, 12, 12, 0)
ISENABLER, ISPENDR, ICPENDR, ICFGR, CTLR = 0x100, 0x200, 0x280, 0xC00, 0
SGI_BASE = 0x1_0000


def region(index: int, base: int, count: int) -> int:
    return RedistRegion(index, base, count).encode()


def of(affinity: int, low: int) -> int:
    """An attribute that names a vCPU, and an offset, instruction or interrupt."""
    return affinity << 32 | low


def initialised(host: Host, count: int = 2) -> Vgic:
    host.up(count)
    assert host.vm.vgic is not None
    return host.vm.vgic


# Which there are


@pytest.mark.parametrize(
    ("group", "attr"),
    [
        (Group.ADDR, 0),
        (Group.ADDR, 4),
        (Group.CTRL, 1),
        (Group.CTRL, 9),
        (2, 0),
        (8, 0),
        (99, 0),
    ],
)
def test_what_there_is_not_is_enxio(host: Host, group: int, attr: int) -> None:
    vgic = initialised(host)
    assert not vgic.has_attr(group, attr)
    with refused("ENXIO", SET):
        vgic.set_attr(group, attr, 0)
    with refused("ENXIO", GET):
        vgic.get_attr(group, attr)


@pytest.mark.parametrize(
    ("group", "attr"),
    [
        *((Group.ADDR, attr) for attr in Addr),
        (Group.NR_IRQS, 0),
        *((Group.CTRL, attr) for attr in Ctrl),
        (Group.DIST_REGS, CTLR),
        (Group.REDIST_REGS, of(1, SGI_BASE + ISENABLER)),
        (Group.CPU_SYSREGS, of(1, ICC_PMR)),
        (Group.LEVEL_INFO, 32),
    ],
)
def test_what_there_is_can_be_asked_for(host: Host, group: Group, attr: int) -> None:
    assert initialised(host).has_attr(group, attr)


def test_numbers_are_those_of_the_interface() -> None:
    assert [group.value for group in Group] == [0, 1, 3, 4, 5, 6, 7]
    assert [addr.value for addr in Addr] == [2, 3, 5]
    assert ICC_PMR == 0xC230


def test_a_vgic_can_be_set_up_by_numbers(host: Host) -> None:
    vcpu, _ = host.vcpus(2)
    vgic = host.vm.create_vgic()
    vgic.set_attr(Group.ADDR, Addr.DIST, DIST)
    vgic.set_attr(Group.ADDR, Addr.REDIST_REGION, region(0, REDIST, 2))
    vgic.set_attr(Group.NR_IRQS, 0, 96)
    vgic.set_attr(Group.CTRL, Ctrl.INIT)
    assert vgic.initialized
    vcpu.run()
    assert vcpu.load(DIST + 4, 4) & 0x1F == 2


def test_the_number_of_interrupts_can_be_read(host: Host) -> None:
    vgic = host.vm.create_vgic()
    assert vgic.get_attr(Group.NR_IRQS, 0) == 32
    vgic.set_attr(Group.NR_IRQS, 0, 128)
    assert vgic.get_attr(Group.NR_IRQS, 0) == 128


def test_control_can_not_be_read(host: Host) -> None:
    with refused("ENXIO", GET):
        initialised(host).get_attr(Group.CTRL, Ctrl.INIT)


# Addresses


def test_addresses_read_as_all_ones_until_they_are_set(host: Host) -> None:
    vgic = host.vm.create_vgic()
    for attr in (Addr.DIST, Addr.REDIST):
        assert vgic.get_attr(Group.ADDR, attr) == UNDEFINED
    vgic.set_attr(Group.ADDR, Addr.DIST, DIST)
    vgic.set_attr(Group.ADDR, Addr.REDIST_REGION, region(0, REDIST, 2))
    assert vgic.get_attr(Group.ADDR, Addr.DIST) == DIST
    assert vgic.get_attr(Group.ADDR, Addr.REDIST) == REDIST


def test_a_region_is_read_by_its_index(host: Host) -> None:
    vgic = host.vm.create_vgic()
    regions = [region(0, REDIST, 2), region(1, HIGH, 7)]
    for value in regions:
        vgic.set_attr(Group.ADDR, Addr.REDIST_REGION, value)
    assert [vgic.get_attr(Group.ADDR, Addr.REDIST_REGION, n) for n in (0, 1)] == regions
    with refused("ENOENT", "ADDR"):
        vgic.get_attr(Group.ADDR, Addr.REDIST_REGION, 2)


def test_the_one_region_of_old_holds_every_vcpu(host: Host) -> None:
    vcpu, *_ = host.vcpus(5)
    vgic = host.vm.create_vgic()
    vgic.set_attr(Group.ADDR, Addr.DIST, DIST)
    vgic.set_attr(Group.ADDR, Addr.REDIST, REDIST)
    assert vgic.get_attr(Group.ADDR, Addr.REDIST) == REDIST
    host.vm.create_vcpu(5)
    vgic.init()
    vcpu.run()
    typers = [vcpu.load(vgic.redistributor_address(n) + TYPER, 8) for n in range(6)]
    assert [typer >> 32 for typer in typers] == list(range(6))
    assert [typer >> 4 & 1 for typer in typers] == [0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize("base", [REDIST + 0x8000, 0x1000])
def test_the_one_region_of_old_is_aligned_to_64k(host: Host, base: int) -> None:
    with refused("EINVAL", "ADDR"):
        host.vm.create_vgic().set_attr(Group.ADDR, Addr.REDIST, base)


def test_the_one_region_of_old_lies_within_the_guests_addresses(host: Host) -> None:
    host.vcpus(2)
    vgic = host.vm.create_vgic()
    with refused("E2BIG", "ADDR"):
        vgic.set_attr(Group.ADDR, Addr.REDIST, (1 << 48) - REDISTRIBUTOR_SIZE)


@pytest.mark.parametrize("base", [DIST, DIST - REDISTRIBUTOR_SIZE, DIST - 0x1_0000])
def test_the_one_region_of_old_is_clear_of_the_distributor(host: Host, base: int) -> None:
    host.vcpus(2)
    vgic = host.vm.create_vgic()
    vgic.set_attr(Group.ADDR, Addr.DIST, DIST)
    with refused("EINVAL", "ADDR"):
        vgic.set_attr(Group.ADDR, Addr.REDIST, base)
    vgic.set_attr(Group.ADDR, Addr.REDIST, DIST + 0x1_0000)


def test_the_two_kinds_of_regions_do_not_mix(host: Host) -> None:
    old = host.vm.create_vgic()
    old.set_attr(Group.ADDR, Addr.REDIST, REDIST)
    with refused("EEXIST", "ADDR"):
        old.set_attr(Group.ADDR, Addr.REDIST, HIGH)
    for index in (0, 1):
        with refused("EINVAL", "ADDR"):
            old.set_attr(Group.ADDR, Addr.REDIST_REGION, region(index, HIGH, 1))
    new = Host().vm.create_vgic()
    new.set_attr(Group.ADDR, Addr.REDIST_REGION, region(0, REDIST, 1))
    with refused("EINVAL", "ADDR"):
        new.set_attr(Group.ADDR, Addr.REDIST, HIGH)


def test_a_region_that_goes_on_in_the_next_one_is_not_the_last(host: Host) -> None:
    vcpu, *_ = host.vcpus(5)
    vgic = host.vgic(2)
    vgic.add_redist_region(region(1, REDIST + 2 * REDISTRIBUTOR_SIZE, 2))
    vgic.add_redist_region(region(2, HIGH, 2))
    vgic.add_redist_region(region(3, HIGH + 2 * REDISTRIBUTOR_SIZE, 2))
    vgic.init()
    vcpu.run()
    typers = [vcpu.load(vgic.redistributor_address(n) + TYPER, 8) for n in range(5)]
    assert [typer >> 4 & 1 for typer in typers] == [0, 0, 0, 1, 1]


def test_a_full_region_whose_neighbour_stays_empty_is_the_last(host: Host) -> None:
    vcpu, _ = host.vcpus(2)
    vgic = host.vgic(2)
    vgic.add_redist_region(region(1, REDIST + 2 * REDISTRIBUTOR_SIZE, 2))
    vgic.init()
    vcpu.run()
    assert vcpu.load(vgic.redistributor_address(1) + TYPER, 4) >> 4 & 1


# Registers: when, and whose


@pytest.mark.parametrize(
    "attr",
    [(Group.DIST_REGS, CTLR), (Group.REDIST_REGS, TYPER), (Group.CPU_SYSREGS, ICC_PMR)],
)
def test_registers_are_there_from_initialisation_on(host: Host, attr: tuple[Group, int]) -> None:
    host.vcpus(2)
    vgic = host.vgic()
    with refused("EBUSY", GET):
        vgic.get_attr(*attr)
    with refused("EBUSY", SET):
        vgic.set_attr(*attr, 0)
    vgic.init()
    vgic.get_attr(*attr)


def test_without_a_vcpu_there_are_no_registers(host: Host) -> None:
    vgic = host.vgic()
    with refused("EINVAL", GET):
        vgic.get_attr(Group.DIST_REGS, CTLR)


@pytest.mark.parametrize("group", [Group.REDIST_REGS, Group.CPU_SYSREGS, Group.LEVEL_INFO])
@pytest.mark.parametrize("affinity", [2, 0x100, 1 << 24])
def test_an_mpidr_that_no_vcpu_has_is_refused(host: Host, group: Group, affinity: int) -> None:
    vgic = initialised(host)
    with refused("EINVAL", GET):
        vgic.get_attr(group, of(affinity, 0))
    with refused("EINVAL", SET):
        vgic.set_attr(group, of(affinity, 0), 0)


def test_the_mpidr_does_not_matter_to_the_distributor(host: Host) -> None:
    assert initialised(host).get_attr(Group.DIST_REGS, of(0x123456, CTLR)) == 0x50


class Meddler:
    """An engine in whose middle somebody accesses the device."""

    def __init__(self, vgic: Vgic) -> None:
        self._vgic = vgic

    def run(self) -> None:
        for group, attr in (
            (Group.DIST_REGS, CTLR),
            (Group.REDIST_REGS, of(1, TYPER)),
            (Group.CPU_SYSREGS, of(1, ICC_PMR)),
            (Group.LEVEL_INFO, 32),
        ):
            with refused("EBUSY", GET):
                self._vgic.get_attr(group, attr)
            with refused("EBUSY", SET):
                self._vgic.set_attr(group, attr, 0)
        with refused("EBUSY", "PENDING_TABLES"):
            self._vgic.set_attr(Group.CTRL, Ctrl.SAVE_PENDING_TABLES)


def test_registers_are_busy_while_any_vcpu_executes(host: Host) -> None:
    vgic = initialised(host)
    vcpu = host.vm.vcpus[0]
    vcpu.engine = Meddler(vgic)
    vcpu.set_mp_state(MpState.RUNNABLE)
    vcpu.run()
    vgic.set_attr(Group.CTRL, Ctrl.SAVE_PENDING_TABLES)
    assert vgic.get_attr(Group.DIST_REGS, CTLR) == 0x50


def test_pending_tables_are_those_of_an_initialised_vgic(host: Host) -> None:
    host.vcpus(1)
    with refused("ENXIO", "PENDING_TABLES"):
        host.vgic().set_attr(Group.CTRL, Ctrl.SAVE_PENDING_TABLES)


# GICD, GICR


@pytest.mark.parametrize("offset", [0x14, 0x2, ISENABLER + 6, 0x1_0000, 0x5000])
def test_an_offset_without_a_register_is_refused(host: Host, offset: int) -> None:
    vgic = initialised(host)
    assert not vgic.has_attr(Group.DIST_REGS, offset)
    with refused("ENXIO", GET):
        vgic.get_attr(Group.DIST_REGS, offset)
    with refused("ENXIO", SET):
        vgic.set_attr(Group.DIST_REGS, offset, 0)


def test_an_access_is_what_the_guests_would_be(host: Host) -> None:
    vgic = initialised(host)
    vgic.set_attr(Group.REDIST_REGS, of(1, SGI_BASE + ISENABLER), 1 << 27)
    assert vgic.get_attr(Group.REDIST_REGS, of(1, SGI_BASE + ISENABLER)) == 1 << 27 | 0xFFFF
    assert vgic.get_attr(Group.REDIST_REGS, of(0, SGI_BASE + ISENABLER)) == 0xFFFF
    assert vgic.get_attr(Group.REDIST_REGS, of(1, TYPER + 4)) == 1


def test_a_64_bit_register_is_accessed_by_halves(host: Host) -> None:
    vgic = initialised(host)
    vgic.set_attr(Group.REDIST_REGS, 0x74, 0x0102_0304)
    vgic.set_attr(Group.REDIST_REGS, 0x70, 0x1000)
    assert vgic.get_attr(Group.REDIST_REGS, 0x74) == 0x0102_0304 & ~0xF0_0000
    assert vgic.get_attr(Group.REDIST_REGS, 0x70) == 0x1000


def test_pending_is_the_latch_without_the_line(host: Host) -> None:
    vgic = initialised(host)
    assert vgic.gic is not None
    vgic.gic.set_spi(41, True)
    vgic.gic.set_ppi(0, 27, True)
    spi, ppi = (Group.DIST_REGS, ISPENDR + 4), (Group.REDIST_REGS, SGI_BASE + ISPENDR)
    assert vgic.gic.distributor.read(ISPENDR + 4, 4) == 1 << 9
    assert vgic.get_attr(*spi) == vgic.get_attr(*ppi) == 0
    vgic.set_attr(*spi, 1 << 9 | 1)
    vgic.set_attr(*ppi, 1 << 27)
    assert (vgic.get_attr(*spi), vgic.get_attr(*ppi)) == (1 << 9 | 1, 1 << 27)
    vgic.set_attr(*spi, 1)
    vgic.set_attr(*ppi, 0)
    assert (vgic.get_attr(*spi), vgic.get_attr(*ppi)) == (1, 0)


def test_clear_pending_reads_as_zero_and_is_ignored(host: Host) -> None:
    vgic = initialised(host)
    vgic.set_attr(Group.DIST_REGS, ISPENDR + 4, 1)
    vgic.set_attr(Group.DIST_REGS, ICPENDR + 4, 1)
    assert vgic.get_attr(Group.DIST_REGS, ICPENDR + 4) == 0
    assert vgic.get_attr(Group.DIST_REGS, ISPENDR + 4) == 1


def test_a_latch_that_user_space_has_set_is_undone_by_a_reset(host: Host) -> None:
    host.vcpus(2)
    vgic = host.vgic()
    vgic.init(accessible=False)
    assert vgic.gic is not None
    vgic.set_attr(Group.REDIST_REGS, of(1, SGI_BASE + ISPENDR), 1)
    vgic.gic.reset()
    assert vgic.get_attr(Group.REDIST_REGS, of(1, SGI_BASE + ISPENDR)) == 0


@pytest.mark.parametrize("offset", [0x8, 0xC])
def test_what_identifies_the_vgic_can_be_written_as_it_is_only(host: Host, offset: int) -> None:
    vgic = initialised(host)
    value = vgic.get_attr(Group.DIST_REGS, offset)
    vgic.set_attr(Group.DIST_REGS, offset, value)
    with refused("EINVAL", SET):
        vgic.set_attr(Group.DIST_REGS, offset, value ^ 1)


@pytest.mark.parametrize("offset", [0x4, 0xFFE8])
def test_other_registers_that_are_read_only_ignore_it(host: Host, offset: int) -> None:
    vgic = initialised(host)
    value = vgic.get_attr(Group.DIST_REGS, offset)
    vgic.set_attr(Group.DIST_REGS, offset, 0)
    assert vgic.get_attr(Group.DIST_REGS, offset) == value


# ICC_*


@pytest.mark.parametrize("instruction", [0, ICC_IAR1, encoding(3, 0, 12, 11, 5)])
def test_an_instruction_that_is_no_state_of_the_interface_is_refused(
    host: Host,
    instruction: int,
) -> None:
    vgic = initialised(host)
    assert not vgic.has_attr(Group.CPU_SYSREGS, instruction)
    with refused("ENXIO", GET):
        vgic.get_attr(Group.CPU_SYSREGS, instruction)
    with refused("ENXIO", SET):
        vgic.set_attr(Group.CPU_SYSREGS, instruction, 0)


def test_active_priorities_beyond_32_are_refused(host: Host) -> None:
    vgic = initialised(host)
    vgic.set_attr(Group.CPU_SYSREGS, ICC_AP1R0, 1 << 4)
    assert vgic.get_attr(Group.CPU_SYSREGS, ICC_AP1R0) == 1 << 4
    with refused("EINVAL", SET):
        vgic.set_attr(Group.CPU_SYSREGS, ICC_AP1R1, 0)
    with refused("EINVAL", GET):
        vgic.get_attr(Group.CPU_SYSREGS, ICC_AP1R1)


def test_an_interface_is_that_of_its_vcpu(host: Host) -> None:
    vgic = initialised(host)
    vgic.set_attr(Group.CPU_SYSREGS, of(1, ICC_PMR), 0xF0)
    assert vgic.get_attr(Group.CPU_SYSREGS, of(1, ICC_PMR)) == 0xF0
    assert vgic.get_attr(Group.CPU_SYSREGS, of(0, ICC_PMR)) == 0
    assert host.vm.vcpus[1].mrs("ICC_PMR_EL1") == 0xF0


@pytest.mark.parametrize(
    ("value", "possible"),
    [(0x400, True), (0x403, True), (0x300, True), (0x500, False), (0xC00, False), (0x8400, False)],
)
def test_control_of_a_larger_interface_is_refused(
    host: Host,
    value: int,
    possible: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    vgic = initialised(host)
    if possible:
        vgic.set_attr(Group.CPU_SYSREGS, ICC_CTLR, value)
        assert vgic.get_attr(Group.CPU_SYSREGS, ICC_CTLR) == 0x400 | value & 3
    else:
        with refused("EINVAL", SET):
            vgic.set_attr(Group.CPU_SYSREGS, ICC_CTLR, value)


def test_an_interface_without_system_registers_is_refused(host: Host) -> None:
    vgic = initialised(host)
    vgic.set_attr(Group.CPU_SYSREGS, ICC_SRE, 1)
    with refused("EINVAL", SET):
        vgic.set_attr(Group.CPU_SYSREGS, ICC_SRE, 6)


def test_the_binary_point_of_group_1_is_seen_behind_cbpr(host: Host) -> None:
    vgic = initialised(host)
    vgic.set_attr(Group.CPU_SYSREGS, ICC_CTLR, 0x401)
    vgic.set_attr(Group.CPU_SYSREGS, ICC_BPR1, 5)
    assert vgic.get_attr(Group.CPU_SYSREGS, ICC_BPR1) == 5
    assert host.vm.vcpus[0].mrs("ICC_BPR1_EL1") == 3
    host.vm.vcpus[0].msr("ICC_CTLR_EL1", 0)
    assert host.vm.vcpus[0].mrs("ICC_BPR1_EL1") == 5


# Levels


def test_levels_are_those_of_the_lines(host: Host) -> None:
    vgic = initialised(host)
    assert vgic.gic is not None
    vgic.gic.set_spi(41, True)
    vgic.gic.set_ppi(1, 27, True)
    assert vgic.get_attr(Group.LEVEL_INFO, 32) == 1 << 9
    assert vgic.get_attr(Group.LEVEL_INFO, of(1, 0)) == 1 << 27
    assert vgic.get_attr(Group.LEVEL_INFO, of(0, 0)) == 0


def test_a_level_that_is_set_is_seen_as_a_level_and_not_as_an_edge(host: Host) -> None:
    vgic = initialised(host)
    vgic.set_attr(Group.DIST_REGS, ICFGR + 8, 2 << 18)
    vgic.set_attr(Group.LEVEL_INFO, 32, 1 << 9 | 1 << 10)
    assert vgic.gic is not None
    assert vgic.gic.distributor.read(ISPENDR + 4, 4) == 1 << 10
    vgic.set_attr(Group.LEVEL_INFO, 32, 0)
    assert vgic.get_attr(Group.LEVEL_INFO, 32) == 0


def test_sgis_and_interrupts_that_there_are_not_have_no_level(host: Host) -> None:
    vgic = initialised(host)
    for attr, reads in ((0, 0xFFFF_0000), (256, 0), (992, 0)):
        vgic.set_attr(Group.LEVEL_INFO, attr, 0xFFFF_FFFF)
        assert vgic.get_attr(Group.LEVEL_INFO, attr) == reads


@pytest.mark.parametrize("attr", [1, 33, 31, 1 << 10, 3 << 10 | 32])
def test_levels_come_by_32_and_nothing_else_is_told(host: Host, attr: int) -> None:
    vgic = initialised(host)
    with refused("EINVAL", GET):
        vgic.get_attr(Group.LEVEL_INFO, attr)
    with refused("EINVAL", SET):
        vgic.set_attr(Group.LEVEL_INFO, attr, 0)


@given(st.integers(0, 20), st.integers(0, (1 << 64) - 1), st.integers(0, (1 << 64) - 1))
def test_any_attribute_is_taken_or_refused_with_an_errno(group: int, attr: int, value: int) -> None:
    host = Host()
    vgic = initialised(host)
    for call in (lambda: vgic.set_attr(group, attr, value), lambda: vgic.get_attr(group, attr)):
        try:
            call()
        except OSError as error:
            assert error.errno  # noqa: PT017 - either outcome is one
    host.ram.close()
