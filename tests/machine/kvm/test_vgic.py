"""The vGIC device: attributes, their order, their errnos, and where its frames come to lie."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine.kvm.vgic import DEFAULT_IRQS, REDISTRIBUTOR_SIZE, RedistRegion
from tests.machine.kvm.host import DIST, FEATURES, MIDR, REDIST, Host, refused

ADDR, IRQS, INIT = "GRP_ADDR", "GRP_NR_IRQS", "CTRL_INIT"
TYPER = 0x8
HIGH = 256 << 30


def region(index: int, base: int, count: int) -> int:
    return RedistRegion(index, base, count).encode()


# Creation


def test_there_is_one_vgic(host: Host) -> None:
    host.vm.create_vgic()
    with refused("EEXIST", "KVM_CREATE_DEVICE"):
        host.vm.create_vgic()


def test_no_vgic_can_be_created_once_a_vcpu_has_run(host: Host) -> None:
    (vcpu,) = host.vcpus(1)
    vcpu.run()
    with refused("EBUSY", "KVM_CREATE_DEVICE"):
        host.vm.create_vgic()


# The distributor's address


def test_the_distributor_has_one_address(host: Host) -> None:
    vgic = host.vm.create_vgic()
    vgic.set_dist_address(DIST)
    with refused("EEXIST", ADDR):
        vgic.set_dist_address(DIST)


@pytest.mark.parametrize("base", [1, 0x1000, 0xFFFF, DIST + 0x8000])
def test_the_distributor_is_aligned_to_64k(host: Host, base: int) -> None:
    vgic = host.vm.create_vgic()
    with refused("EINVAL", ADDR):
        vgic.set_dist_address(base)
    assert vgic.dist_base is None


@pytest.mark.parametrize("base", [1 << 48, 1 << 52])
def test_the_distributor_lies_within_the_guests_addresses(host: Host, base: int) -> None:
    vgic = host.vm.create_vgic()
    with refused("E2BIG", ADDR):
        vgic.set_dist_address(base)
    vgic.set_dist_address((1 << 48) - 0x1_0000)


# Regions of redistributors


@given(st.integers(0, 0xFFF), st.integers(0, (1 << 36) - 1), st.integers(1, 0xFFF))
def test_a_region_is_count_base_and_index_in_one_word(index: int, page: int, count: int) -> None:
    value = count << 52 | page << 16 | index
    assert RedistRegion.decode(value) == RedistRegion(index, page << 16, count)
    assert RedistRegion(index, page << 16, count).encode() == value


@pytest.mark.parametrize("flags", [1, 8, 0xF])
def test_flags_of_a_region_are_refused(host: Host, flags: int) -> None:
    vgic = host.vm.create_vgic()
    with refused("EINVAL", ADDR):
        vgic.add_redist_region(region(0, REDIST, 2) | flags << 12)


def test_a_region_of_nothing_is_refused(host: Host) -> None:
    with refused("EINVAL", ADDR):
        host.vm.create_vgic().add_redist_region(region(0, REDIST, 0))


def test_regions_come_in_the_order_of_their_indexes(host: Host) -> None:
    vgic = host.vm.create_vgic()
    with refused("EINVAL", ADDR):
        vgic.add_redist_region(region(1, REDIST, 2))
    vgic.add_redist_region(region(0, REDIST, 2))
    for index in (0, 2):
        with refused("EINVAL", ADDR):
            vgic.add_redist_region(region(index, HIGH, 2))
    vgic.add_redist_region(region(1, HIGH, 2))
    assert [each.base for each in vgic.regions] == [REDIST, HIGH]


def test_regions_do_not_overlap(host: Host) -> None:
    vgic = host.vm.create_vgic()
    vgic.add_redist_region(region(0, REDIST, 2))
    for base in (REDIST, REDIST + REDISTRIBUTOR_SIZE, REDIST - 0x1_0000):
        with refused("EINVAL", ADDR):
            vgic.add_redist_region(region(1, base, 1))
    vgic.add_redist_region(region(1, REDIST + 2 * REDISTRIBUTOR_SIZE, 1))


def test_a_region_lies_within_the_guests_addresses(host: Host) -> None:
    vgic = host.vm.create_vgic()
    with refused("E2BIG", ADDR):
        vgic.add_redist_region(region(0, (1 << 48) - REDISTRIBUTOR_SIZE, 2))
    assert vgic.regions == []


def test_no_region_can_be_added_once_the_vgic_is_initialised(host: Host) -> None:
    host.vcpus(1)
    vgic = host.vgic(1)
    vgic.init()
    with refused("EBUSY", ADDR):
        vgic.add_redist_region(region(1, HIGH, 2))


# Interrupts


@pytest.mark.parametrize("count", [0, 32, 63, 65, 100, 1056, -64])
def test_the_number_of_interrupts_is_64_to_1024_in_steps_of_32(host: Host, count: int) -> None:
    vgic = host.vm.create_vgic()
    with refused("EINVAL", IRQS):
        vgic.set_nr_irqs(count)
    assert vgic.irqs is None


@pytest.mark.parametrize("count", [64, 96, 1024])
def test_the_number_of_interrupts_can_be_set_once(host: Host, count: int) -> None:
    vgic = host.vm.create_vgic()
    vgic.set_nr_irqs(count)
    with refused("EBUSY", IRQS):
        vgic.set_nr_irqs(64)
    assert vgic.irqs == count


def test_the_number_of_interrupts_is_fixed_by_initialisation(host: Host) -> None:
    host.vcpus(1)
    vgic = host.vgic()
    vgic.init()
    assert vgic.irqs == DEFAULT_IRQS
    with refused("EBUSY", IRQS):
        vgic.set_nr_irqs(64)


# CTRL_INIT


def test_initialisation_needs_vcpus(host: Host) -> None:
    with refused("ENODEV", INIT):
        host.vgic().init()


def test_initialisation_needs_the_distributors_address(host: Host) -> None:
    host.vcpus(1)
    vgic = host.vm.create_vgic()
    vgic.add_redist_region(region(0, REDIST, 1))
    with refused("ENXIO", INIT):
        vgic.init()
    assert not vgic.initialized


def test_initialisation_needs_a_redistributor_for_each_vcpu(host: Host) -> None:
    host.vcpus(3)
    vgic = host.vgic(2)
    with refused("ENXIO", INIT):
        vgic.init()
    vgic.add_redist_region(region(1, HIGH, 1))
    vgic.init()
    assert vgic.initialized


def test_initialising_twice_is_harmless(host: Host) -> None:
    host.vcpus(2)
    vgic = host.vgic()
    vgic.init()
    gic = vgic.gic
    vgic.init()
    assert vgic.gic is gic


# Frames


def test_redistributors_follow_the_order_of_creation(host: Host) -> None:
    for vcpu_id in (5, 0, 17):
        host.vm.create_vcpu(vcpu_id).init(FEATURES, midr=MIDR)
    vgic = host.vgic(3)
    vgic.init()
    vcpu = host.vm.vcpus[0]
    vcpu.run()
    frames = [vgic.redistributor_address(vcpu_id) for vcpu_id in (5, 0, 17)]
    assert frames == [REDIST + n * REDISTRIBUTOR_SIZE for n in range(3)]
    assert [vcpu.load(frame + TYPER, 8) >> 32 for frame in frames] == [5, 0, 0x101]


def test_redistributors_go_on_in_the_next_region(host: Host) -> None:
    vcpu, *_ = host.vcpus(5)
    vgic = host.vgic(2)
    vgic.add_redist_region(region(1, HIGH, 10))
    vgic.init()
    vcpu.run()
    frames = [vgic.redistributor_address(n) for n in range(5)]
    assert frames[2:] == [HIGH + n * REDISTRIBUTOR_SIZE for n in range(3)]
    typers = [vcpu.load(frame + TYPER, 8) for frame in frames]
    assert [typer >> 32 for typer in typers] == list(range(5))
    assert [typer >> 4 & 1 for typer in typers] == [0, 1, 0, 0, 1]


def test_frames_are_in_the_kernel_from_the_first_run_on(host: Host) -> None:
    vcpu, _ = host.up()
    vcpu.load(DIST + 4, 4)
    assert host.user.exits == [("read", 0, DIST + 4, 4)]
    vcpu.run()
    assert vcpu.load(DIST + 4, 4)
    assert len(host.user.exits) == 1


def test_each_further_run_maps_nothing(host: Host) -> None:
    one, other = host.up()
    for vcpu in (one, other, one):
        vcpu.run()
    names = [each.name for each in host.vm.io_bus.regions]
    assert names == ["gicv3_dist", "gicv3_redist_region[0]"]


def test_a_distributor_amid_redistributors_is_found_at_the_first_run(host: Host) -> None:
    vcpu, _ = host.vcpus(2)
    vgic = host.vm.create_vgic()
    vgic.set_dist_address(REDIST + REDISTRIBUTOR_SIZE)
    vgic.add_redist_region(region(0, REDIST, 2))
    vgic.init()
    for _ in range(2):
        with refused("EINVAL", "KVM_RUN"):
            vcpu.run()
    assert host.vm.io_bus.regions == []


def test_a_vcpu_has_no_gic_interface_before_initialisation(host: Host) -> None:
    (vcpu,) = host.vcpus(1)
    with refused("ENXIO", "vGIC"):
        vcpu.mrs("ICC_PMR_EL1")
