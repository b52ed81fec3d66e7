"""KVM's order: what can be created when, what comes once, and the errnos of the rest."""

from __future__ import annotations

import pytest

from machine.clock import VirtualClock
from machine.kvm.vcpu import MpState
from machine.kvm.vm import MAX_VCPUS, FilterAction, HostLimits, Vm
from machine.memory import Ram
from tests.machine.kvm.host import (
    FEATURES,
    MIDR,
    RAM_BASE,
    RAM_SIZE,
    Code,
    Host,
    UserSpace,
    refused,
)

CREATE, FILTER, RUN = "KVM_CREATE_VCPU", "KVM_ARM_VM_SMCCC_FILTER", "KVM_RUN"
CALL = 0x8400_0003


# Memory


def test_memory_can_be_given_once(host: Host) -> None:
    other = Ram(RAM_BASE, RAM_SIZE)
    with refused("EEXIST", "KVM_SET_USER_MEMORY_REGION"):
        host.vm.set_user_memory_region(other)
    other.close()


# vCPUs


def test_a_vcpu_has_the_mpidr_of_its_id(host: Host) -> None:
    vcpu = host.vm.create_vcpu(35)
    assert (vcpu.mpidr, vcpu.affinity) == (0x8000_0203, 0x203)
    assert host.vm.by_affinity(0x203) is vcpu
    assert host.vm.by_affinity(0x204) is None


@pytest.mark.parametrize("vcpu_id", [-1, MAX_VCPUS, 1 << 32])
def test_a_vcpu_id_out_of_range_is_refused(host: Host, vcpu_id: int) -> None:
    with refused("EINVAL", CREATE):
        host.vm.create_vcpu(vcpu_id)
    assert not host.vm.vcpus


def test_the_last_vcpu_id_can_be_used(host: Host) -> None:
    assert host.vm.create_vcpu(MAX_VCPUS - 1).affinity == 0x1F0F


def test_a_vcpu_id_that_is_taken_is_refused(host: Host) -> None:
    host.vm.create_vcpu(1)
    with refused("EEXIST", CREATE):
        host.vm.create_vcpu(1)


def test_vcpus_can_be_created_while_the_vgic_is_not_initialised(host: Host) -> None:
    host.vcpus(1)
    host.vgic()
    assert host.vm.create_vcpu(1).id == 1


@pytest.mark.parametrize("vcpu_id", [2, 0, MAX_VCPUS - 1])
def test_no_vcpu_can_be_created_once_the_vgic_is_initialised(host: Host, vcpu_id: int) -> None:
    host.up(2)
    with refused("EBUSY", CREATE):
        host.vm.create_vcpu(vcpu_id)
    assert list(host.vm.vcpus) == [0, 1]


def test_an_id_that_no_vcpu_of_the_host_can_have_is_told_so_first(host: Host) -> None:
    host.up(2)
    with refused("EINVAL", CREATE):
        host.vm.create_vcpu(MAX_VCPUS)


def test_a_vm_has_as_many_vcpus_as_the_host_can() -> None:
    vm = Vm(VirtualClock(), UserSpace(), limits=HostLimits(max_vcpus=4096, max_vgic_vcpus=4096))
    assert vm.create_vcpu(4095).affinity == 0xFF0F
    with refused("EINVAL", CREATE):
        vm.create_vcpu(4096)


def test_more_vcpus_than_a_vgic_can_have_are_no_vgics() -> None:
    vm = Vm(VirtualClock(), UserSpace(), limits=HostLimits(max_vcpus=4, max_vgic_vcpus=2))
    for n in range(3):
        vm.create_vcpu(n)
    with refused("E2BIG", "KVM_CREATE_DEVICE"):
        vm.create_vgic()


def test_with_a_vgic_its_limit_is_the_vms() -> None:
    vm = Vm(VirtualClock(), UserSpace(), limits=HostLimits(max_vcpus=4, max_vgic_vcpus=2))
    vm.create_vgic()
    with refused("EINVAL", CREATE):
        vm.create_vcpu(2)
    for n in range(2):
        vm.create_vcpu(n)
    with refused("EINVAL", CREATE):
        vm.create_vcpu(1)


def test_there_is_no_call_that_takes_a_vcpu_back(host: Host) -> None:
    assert not [name for name in dir(host.vm) if "destroy" in name or "remove" in name]


# KVM_ARM_VCPU_INIT


def test_a_vcpu_starts_powered_off_where_user_space_says_so(host: Host) -> None:
    vcpu = host.vm.create_vcpu(0)
    vcpu.init(FEATURES, midr=MIDR)
    assert vcpu.mp_state is MpState.STOPPED


def test_a_vcpu_starts_runnable_otherwise(host: Host) -> None:
    vcpu = host.vm.create_vcpu(0)
    vcpu.init(frozenset({"psci-0.2"}), midr=MIDR)
    assert vcpu.mp_state is MpState.RUNNABLE


def test_a_second_init_with_the_same_features_resets(host: Host) -> None:
    (vcpu,) = host.vcpus(1)
    vcpu.pc, vcpu.x0 = 1, 2
    vcpu.virt_timer.write_cval(3)
    vcpu.set_mp_state(MpState.RUNNABLE)
    vcpu.init(FEATURES, midr=MIDR)
    assert (vcpu.pc, vcpu.x0, vcpu.virt_timer.cval) == (0, 0, 0)
    assert vcpu.mp_state is MpState.STOPPED


def test_a_second_init_with_other_features_is_refused(host: Host) -> None:
    (vcpu,) = host.vcpus(1)
    for others in (FEATURES | {"pmu-v3"}, frozenset({"power-off"})):
        with refused("EINVAL", "KVM_ARM_VCPU_INIT"):
            vcpu.init(others, midr=MIDR)
    assert vcpu.features == FEATURES - {"power-off"}


@pytest.mark.parametrize(("feature", "name"), [("sve", "EINVAL"), ("turbo", "ENOENT")])
def test_a_feature_that_the_host_has_not_is_refused(host: Host, feature: str, name: str) -> None:
    vcpu = host.vm.create_vcpu(0)
    with refused(name, "KVM_ARM_VCPU_INIT"):
        vcpu.init(FEATURES | {feature}, midr=MIDR)
    assert vcpu.features is None


def test_all_vcpus_of_a_vm_have_the_same_features(host: Host) -> None:
    host.vcpus(1)
    other = host.vm.create_vcpu(1)
    with refused("EINVAL", "KVM_ARM_VCPU_INIT"):
        other.init(FEATURES | {"pmu-v3"}, midr=MIDR)
    other.init(FEATURES, midr=MIDR)


def test_whether_a_vcpu_starts_powered_off_is_said_anew_each_time(host: Host) -> None:
    (vcpu,) = host.vcpus(1)
    vcpu.init(FEATURES - {"power-off"}, midr=MIDR)
    assert vcpu.mp_state is MpState.RUNNABLE


# KVM_SET_MP_STATE


@pytest.mark.parametrize("state", [1, 3, 9, 11, -1])
def test_a_state_that_arm64_does_not_know_is_refused(host: Host, state: int) -> None:
    (vcpu,) = host.vcpus(1)
    with refused("EINVAL", "KVM_SET_MP_STATE"):
        vcpu.set_mp_state(state)
    assert vcpu.mp_state is MpState.STOPPED


def test_states_have_the_numbers_of_the_interface(host: Host) -> None:
    (vcpu,) = host.vcpus(1)
    for number, state in ((0, MpState.RUNNABLE), (5, MpState.STOPPED), (10, MpState.SUSPENDED)):
        vcpu.set_mp_state(number)
        assert vcpu.mp_state is state


# KVM_RUN


def test_a_vcpu_that_was_not_initialised_cannot_run(host: Host) -> None:
    vcpu = host.vm.create_vcpu(0)
    host.vgic().init()
    with refused("ENOEXEC", RUN):
        vcpu.run()


def test_no_vcpu_can_run_before_the_vgic_is_initialised(host: Host) -> None:
    vcpu, _ = host.vcpus(2)
    vgic = host.vgic()
    with refused("EBUSY", RUN):
        vcpu.run()
    assert not vcpu.has_run
    vgic.init()
    vcpu.run()
    assert vcpu.has_run


def test_a_vcpu_executes_only_while_it_is_runnable(host: Host) -> None:
    vcpu, _ = host.up()
    vcpu.engine = code = Code()
    vcpu.run()
    assert code.runs == 0
    vcpu.set_mp_state(MpState.RUNNABLE)
    vcpu.run()
    assert code.runs == 1


def test_a_vcpu_that_is_stopped_loses_its_engine(host: Host) -> None:
    vcpu, _ = host.up()
    vcpu.engine = Code()
    vcpu.set_mp_state(MpState.STOPPED)
    assert vcpu.engine is None


def test_an_interrupt_kicks_a_vcpu_that_is_on_and_no_other(host: Host) -> None:
    kicks: list[int] = []
    for vcpu in host.up():
        vcpu.on_kick = lambda n=vcpu.id: kicks.append(n)
    on, off = host.vm.vcpus.values()
    on.set_mp_state(MpState.RUNNABLE)
    for vcpu in (on, off):
        vcpu.irq.set(True)
        vcpu.irq.set(False)
    assert kicks == [0]


# The SMCCC filter


def test_without_a_filter_the_kernel_answers(host: Host) -> None:
    vcpu, _ = host.up()
    vcpu.hvc(CALL, 1)
    assert host.user.exits == []
    assert host.vm.vcpus[1].mp_state is MpState.RUNNABLE


def test_a_call_that_the_filter_forwards_is_user_spaces(host: Host) -> None:
    host.vm.set_smccc_filter(CALL, 1, FilterAction.FORWARD)
    _, vcpu = host.up()
    host.user.answer = -3
    assert vcpu.hvc(CALL, 1, 2, 3) == (1 << 64) - 3
    assert host.user.exits == [("hypercall", 1, CALL, (1, 2, 3))]


def test_a_function_is_named_by_w0_for_the_filter_too(host: Host) -> None:
    host.vm.set_smccc_filter(CALL, 1, FilterAction.FORWARD)
    vcpu, _ = host.up()
    vcpu.hvc(1 << 32 | CALL, 1)
    assert host.user.exits == [("hypercall", 0, CALL, (1,))]
    assert host.vm.vcpus[1].mp_state is MpState.STOPPED


def test_a_call_that_the_filter_denies_is_not_supported(host: Host) -> None:
    host.vm.set_smccc_filter(CALL, 1, FilterAction.DENY)
    vcpu, _ = host.up()
    assert vcpu.hvc(CALL, 1) == (1 << 64) - 1
    assert host.user.exits == []
    assert host.vm.vcpus[1].mp_state is MpState.STOPPED


def test_a_filter_concerns_the_functions_of_its_range_only(host: Host) -> None:
    host.vm.set_smccc_filter(0xC600_0010, 2, FilterAction.FORWARD)
    vcpu, _ = host.up()
    for function in range(0xC600_000F, 0xC600_0013):
        vcpu.hvc(function)
    assert [seen[2] for seen in host.user.exits] == [0xC600_0010, 0xC600_0011]


def test_the_32_and_the_64_bit_form_are_filtered_apart(host: Host) -> None:
    host.vm.set_smccc_filter(CALL | 1 << 30, 1, FilterAction.FORWARD)
    vcpu, _ = host.up()
    vcpu.hvc(CALL, 1)
    assert host.user.exits == []


@pytest.mark.parametrize("action", FilterAction)
def test_a_function_that_has_an_action_takes_no_other(host: Host, action: FilterAction) -> None:
    host.vm.set_smccc_filter(0x10, 4, FilterAction.FORWARD)
    for base, count in ((0x10, 4), (0xF, 2), (0x13, 1), (0, 0x100)):
        with refused("EEXIST", FILTER):
            host.vm.set_smccc_filter(base, count, action)
    host.vm.set_smccc_filter(0x14, 1, action)


@pytest.mark.parametrize("count", [0, -1])
def test_an_empty_filter_is_refused(host: Host, count: int) -> None:
    with refused("EINVAL", FILTER):
        host.vm.set_smccc_filter(CALL, count, FilterAction.DENY)


def test_a_filter_ends_with_the_last_function_that_has_a_number(host: Host) -> None:
    host.vm.set_smccc_filter(0xFFFF_FFF0, 0x10, FilterAction.DENY)
    with refused("EINVAL", FILTER):
        host.vm.set_smccc_filter(0xFFFF_FF00, 0x101, FilterAction.DENY)


@pytest.mark.parametrize("action", FilterAction)
@pytest.mark.parametrize("first", [0x8000_0000, 0xC000_0000])
def test_the_calls_of_the_architecture_stay_the_kernels(
    host: Host, first: int, action: FilterAction
) -> None:
    for base, count in ((first, 1), (first + 0xFFFF, 1), (first - 1, 0x2_0000)):
        with refused("EEXIST", FILTER):
            host.vm.set_smccc_filter(base, count, action)
    host.vm.set_smccc_filter(first - 1, 1, action)
    host.vm.set_smccc_filter(first + 0x1_0000, 1, action)


def test_no_filter_can_be_set_once_a_vcpu_has_run(host: Host) -> None:
    vcpu, _ = host.up()
    host.vm.set_smccc_filter(0x10, 1, FilterAction.FORWARD)
    vcpu.run()
    for base, count in ((0x20, 1), (0x10, 1), (0x8000_0000, 1)):
        with refused("EBUSY", FILTER):
            host.vm.set_smccc_filter(base, count, FilterAction.FORWARD)
    with refused("EINVAL", FILTER):
        host.vm.set_smccc_filter(0x20, 0, FilterAction.FORWARD)


# Memory accesses


def test_an_access_to_ram_does_not_leave_the_guest(host: Host) -> None:
    vcpu, _ = host.up()
    vcpu.store(RAM_BASE + 8, 4, 0xCAFE)
    assert vcpu.load(RAM_BASE + 8, 4) == 0xCAFE
    assert host.user.exits == []


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_an_access_to_nothing_in_the_kernel_is_an_exit(host: Host, size: int) -> None:
    _, vcpu = host.up()
    vcpu.run()
    host.user.answer = 0x5A
    assert vcpu.load(0x0908_0000, size) == 0x5A
    vcpu.store(0x090C_0004, size, 7)
    assert host.user.exits == [
        ("read", 1, 0x0908_0000, size),
        ("write", 1, 0x090C_0004, size, 7),
    ]


def test_an_access_that_leaves_the_ram_is_an_exit(host: Host) -> None:
    vcpu, _ = host.up()
    vcpu.load(RAM_BASE + RAM_SIZE - 4, 8)
    vcpu.store(RAM_BASE - 1, 4, 0)
    assert [seen[2] for seen in host.user.exits] == [RAM_BASE + RAM_SIZE - 4, RAM_BASE - 1]


@pytest.mark.parametrize("kind", ["shutdown", "reset"])
def test_a_system_call_of_psci_is_an_exit(host: Host, kind: str) -> None:
    _, vcpu = host.up()
    answer = vcpu.hvc({"shutdown": 0x8400_0008, "reset": 0x8400_0009}[kind])
    assert host.user.exits == [("event", 1, kind)]
    assert answer == (1 << 64) - 6
