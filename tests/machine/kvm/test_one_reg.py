"""ONE_REG: what user space can read and write of a vCPU, by number, and the errnos of the rest."""

from __future__ import annotations

import pytest

from machine.kvm import one_reg
from machine.kvm.one_reg import ONE_REGS, core, firmware, sysreg
from machine.kvm.vcpu import HOST_FEATURES, Vcpu
from tests.machine.kvm.host import FEATURES, MIDR, Host, refused

GET, SET = "KVM_GET_ONE_REG", "KVM_SET_ONE_REG"
MIDR_EL1, MPIDR_EL1 = 0x6030_0000_0013_C000, 0x6030_0000_0013_C005
X0, PC, PSTATE = 0x6030_0000_0010_0000, 0x6030_0000_0010_0040, 0x6030_0000_0010_0042
PSCI_VERSION = 0x6030_0000_0014_0000
TIMER_CTL, TIMER_CNT, TIMER_CVAL = (
    0x6030_0000_0013_DF19,
    0x6030_0000_0013_DF1A,
    0x6030_0000_0013_DF02,
)
PMCCNTR_EL0 = 0x6030_0000_0013_DCE8
NAMES = {register.name: reg_id for reg_id, register in ONE_REGS.items()}


@pytest.fixture
def vcpu(host: Host) -> Vcpu:
    return host.vcpus(2)[1]


@pytest.fixture
def with_pmu(host: Host) -> Vcpu:
    vcpu = host.vm.create_vcpu(0)
    vcpu.init(HOST_FEATURES, midr=MIDR)
    return vcpu


def test_ids_are_those_of_the_interface() -> None:
    assert (core(0), core(32), core(33)) == (X0, PC, PSTATE)
    assert firmware(0) == PSCI_VERSION
    assert NAMES["MIDR_EL1"] == MIDR_EL1 == sysreg(0xC000)
    assert NAMES["MPIDR_EL1"] == MPIDR_EL1
    assert NAMES["PMCCNTR_EL0"] == PMCCNTR_EL0


def test_two_registers_of_the_timer_stand_in_each_others_place_as_in_the_interface() -> None:
    names = [ONE_REGS[reg_id].name for reg_id in (TIMER_CTL, TIMER_CNT, TIMER_CVAL)]
    assert names == ["CNTV_CTL_EL0", "CNTVCT_EL0", "CNTV_CVAL_EL0"]


@pytest.mark.parametrize("reg_id", [*map(core, range(34)), TIMER_CVAL])
def test_a_register_keeps_what_is_written(vcpu: Vcpu, reg_id: int) -> None:
    vcpu.set_one_reg(reg_id, 1 << 64 | 0x1234)
    assert vcpu.get_one_reg(reg_id) == 0x1234
    others = [vcpu.get_one_reg(core(n)) for n in range(33) if core(n) != reg_id]
    assert not any(others)


def test_pc_and_x0_are_those_that_the_vcpu_starts_with(vcpu: Vcpu) -> None:
    vcpu.set_one_reg(PC, 0x4020_0000)
    vcpu.set_one_reg(X0, 5)
    assert (vcpu.pc, vcpu.x0) == (0x4020_0000, 5)


def test_registers_are_reset_by_an_init(vcpu: Vcpu) -> None:
    for n in range(34):
        vcpu.set_one_reg(core(n), 7)
    vcpu.init(FEATURES, midr=MIDR)
    assert [vcpu.get_one_reg(core(n)) for n in range(34)] == [0] * 33 + [0x3C5]


@pytest.mark.parametrize("name", ["MIDR_EL1", "ID_AA64DFR0_EL1", "KVM_REG_ARM_PSCI_VERSION"])
def test_what_is_always_the_same_can_be_written_as_it_is_only(vcpu: Vcpu, name: str) -> None:
    value = vcpu.get_one_reg(NAMES[name])
    vcpu.set_one_reg(NAMES[name], value)
    with refused("EINVAL", SET):
        vcpu.set_one_reg(NAMES[name], value ^ 1)
    assert vcpu.get_one_reg(NAMES[name]) == value


def test_the_counters_are_virtual_time_and_have_no_offset(host: Host, vcpu: Vcpu) -> None:
    host.clock.advance_to(1600)
    for name in ("CNTVCT_EL0", "CNTPCT_EL0"):
        assert vcpu.get_one_reg(NAMES[name]) == 100
        with refused("EINVAL", SET):
            vcpu.set_one_reg(NAMES[name], 99)


def test_the_version_of_psci_is_1_1(vcpu: Vcpu) -> None:
    assert vcpu.get_one_reg(PSCI_VERSION) == 0x1_0001


def test_a_timer_that_is_set_fires(host: Host, vcpu: Vcpu) -> None:
    vcpu.set_one_reg(TIMER_CVAL, 100)
    vcpu.set_one_reg(TIMER_CTL, 1)
    host.clock.advance_to(1600)
    assert vcpu.virt_timer.line.level
    assert vcpu.get_one_reg(TIMER_CTL) == 0b101


@pytest.mark.parametrize(
    "reg_id",
    [core(34), core(100), X0 | 1, sysreg(0), firmware(1), PMCCNTR_EL0, 0x6030_0000_0099_0000],
)
def test_a_register_that_there_is_not_is_refused(vcpu: Vcpu, reg_id: int) -> None:
    with refused("ENOENT", GET):
        vcpu.get_one_reg(reg_id)
    with refused("ENOENT", SET):
        vcpu.set_one_reg(reg_id, 0)


@pytest.mark.parametrize(
    "reg_id", [0, 0x2030_0000_0010_0000, 0x6020_0000_0010_0000, MIDR_EL1 | 1 << 40]
)
def test_an_id_of_another_architecture_or_size_is_refused(vcpu: Vcpu, reg_id: int) -> None:
    with refused("EINVAL", GET):
        vcpu.get_one_reg(reg_id)
    with refused("EINVAL", SET):
        vcpu.set_one_reg(reg_id, 0)


def test_a_vcpu_that_was_not_initialised_has_no_registers(host: Host) -> None:
    vcpu = host.vm.create_vcpu(0)
    with refused("ENOEXEC", GET):
        vcpu.get_one_reg(X0)
    with refused("ENOEXEC", SET):
        vcpu.set_one_reg(X0, 0)
    with refused("ENOEXEC", "KVM_GET_REG_LIST"):
        vcpu.get_reg_list(1000)


def test_the_list_has_every_register_that_can_be_read(vcpu: Vcpu) -> None:
    ids = vcpu.get_reg_list(len(ONE_REGS))
    assert len(set(ids)) == len(ids) < len(ONE_REGS)
    for reg_id in ids:
        vcpu.set_one_reg(reg_id, vcpu.get_one_reg(reg_id))


def test_a_list_that_does_not_fit_is_refused(vcpu: Vcpu) -> None:
    count = len(vcpu.get_reg_list(1000))
    with refused("E2BIG", "KVM_GET_REG_LIST"):
        vcpu.get_reg_list(count - 1)


def test_the_pmus_registers_are_there_where_the_feature_is(with_pmu: Vcpu) -> None:
    assert with_pmu.get_reg_list(1000) == list(ONE_REGS)
    with_pmu.set_one_reg(PMCCNTR_EL0, 77)
    assert with_pmu.mrs("PMCCNTR_EL0") == 77


@pytest.mark.parametrize("name", ["PMCNTENSET_EL0", "PMINTENSET_EL1", "PMOVSSET_EL0"])
def test_a_register_that_sets_bits_is_replaced_as_a_whole(with_pmu: Vcpu, name: str) -> None:
    with_pmu.set_one_reg(NAMES[name], 1 << 31)
    assert with_pmu.mrs(name) == 1 << 31
    with_pmu.set_one_reg(NAMES[name], 0)
    assert with_pmu.mrs(name) == 0


# MPIDR


def test_user_space_may_choose_the_mpidr(host: Host, vcpu: Vcpu) -> None:
    vcpu.set_one_reg(MPIDR_EL1, 0x8102_0304)
    assert vcpu.mrs("MPIDR_EL1") == vcpu.get_one_reg(MPIDR_EL1) == 0x8102_0304
    assert vcpu.affinity == 0x2_0304
    assert host.vm.by_affinity(0x2_0304) is vcpu
    assert host.vm.by_affinity(1) is None
    host.vgic().init()
    assert host.vm.gic_cpu(vcpu).affinity == 0x2_0304


@pytest.mark.parametrize("value", [1, 0xC000_0001, 1 << 32 | 1 << 31, 0x8200_0000, 0])
def test_an_mpidr_with_bits_that_it_cannot_have_is_refused(vcpu: Vcpu, value: int) -> None:
    with refused("EINVAL", SET):
        vcpu.set_one_reg(MPIDR_EL1, value)
    assert vcpu.mpidr == 0x8000_0001


def test_an_mpidr_that_was_chosen_for_another_vcpu_is_refused(host: Host, vcpu: Vcpu) -> None:
    host.vm.vcpus[0].set_one_reg(MPIDR_EL1, 0x8000_0700)
    for mt in (0, 1 << 24):
        with refused("EEXIST", SET):
            vcpu.set_one_reg(MPIDR_EL1, 0x8000_0700 | mt)
    assert host.vm.by_affinity(0x700) is host.vm.vcpus[0]
    assert host.vm.by_affinity(1) is vcpu


def test_vcpus_may_change_places_in_any_order(host: Host) -> None:
    one, other = host.vcpus(2)
    one.set_one_reg(MPIDR_EL1, 0x8000_0001)
    other.set_one_reg(MPIDR_EL1, 0x8000_0000)
    host.vgic().init()
    assert [host.vm.by_affinity(n) for n in (0, 1)] == [other, one]


def test_a_place_that_was_chosen_is_not_lost_to_a_later_vcpu(host: Host) -> None:
    (first,) = host.vcpus(1)
    first.set_one_reg(MPIDR_EL1, 0x8000_0001)
    later = host.vm.create_vcpu(1)
    assert host.vm.by_affinity(1) is first
    later.init(FEATURES, midr=MIDR)
    later.set_one_reg(MPIDR_EL1, 0x8000_0002)
    host.vgic().init()


def test_no_vgic_is_made_for_two_vcpus_of_one_mpidr(host: Host) -> None:
    first, _ = host.vcpus(2)
    first.set_one_reg(MPIDR_EL1, 0x8000_0001)
    vgic = host.vgic()
    with refused("EINVAL", "CTRL_INIT"):
        vgic.init()
    assert not vgic.initialized
    first.set_one_reg(MPIDR_EL1, 0x8000_0000)
    vgic.init()


def test_the_mpidr_is_fixed_once_the_vgic_is_initialised(host: Host) -> None:
    _, vcpu = host.up()
    with refused("EBUSY", SET):
        vcpu.set_one_reg(MPIDR_EL1, 0x8000_0007)
    vcpu.set_one_reg(MPIDR_EL1, vcpu.mpidr)
    assert vcpu.affinity == 1


def test_every_register_is_declared_once() -> None:
    assert len(NAMES) == len(ONE_REGS)
    assert one_reg.ARM64_U64 == 0x6030_0000_0000_0000
