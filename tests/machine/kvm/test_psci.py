"""PSCI as the kernel answers it where nobody filters: versions, features, power, affinity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from machine.kvm.smccc import CPU_ON_64, SMC64, Function, Result
from machine.kvm.vcpu import MpState

if TYPE_CHECKING:
    from tests.machine.kvm.host import Host

ON, OFF = 0, 1
ENTRY = 0x4000_8000


def call(host: Host, function: int, *args: int, vcpu: int = 0) -> int:
    answer = host.vm.vcpus[vcpu].hvc(function, *args)
    return answer - (answer >> 63 << 64)


@pytest.fixture
def guest(host: Host) -> Host:
    """Twenty vCPUs, of which the first is on."""
    host.up(20)[0].set_mp_state(MpState.RUNNABLE)
    return host


def test_psci_is_of_version_1_1(guest: Host) -> None:
    assert call(guest, Function.PSCI_VERSION) == 0x1_0001


def test_smccc_is_of_version_1_1(guest: Host) -> None:
    assert call(guest, Function.SMCCC_VERSION) == 0x1_0001


def test_no_trusted_os_is_there_to_migrate(guest: Host) -> None:
    assert call(guest, Function.MIGRATE_INFO_TYPE) == 2


@pytest.mark.parametrize("function", [f for f in Function if f != Function.SMCCC_ARCH_FEATURES])
def test_every_call_in_its_32_bit_form_is_a_feature(guest: Host, function: Function) -> None:
    assert call(guest, Function.PSCI_FEATURES, function) == Result.SUCCESS


@pytest.mark.parametrize("function", Function)
def test_calls_that_take_addresses_have_a_64_bit_form_and_no_others(
    guest: Host,
    function: Function,
) -> None:
    wide = function in {Function.CPU_SUSPEND, Function.CPU_ON, Function.AFFINITY_INFO}
    expected = Result.SUCCESS if wide else Result.NOT_SUPPORTED
    assert call(guest, Function.PSCI_FEATURES, function | SMC64) == expected


@pytest.mark.parametrize("function", [0x8400_0005, 0x8400_0007, 0x8400_0012, 0x8400_FFFF, 0])
def test_a_call_that_there_is_not_is_not_supported(guest: Host, function: int) -> None:
    assert call(guest, function) == Result.NOT_SUPPORTED
    assert call(guest, Function.PSCI_FEATURES, function) == Result.NOT_SUPPORTED


def test_a_64_bit_form_that_there_is_not_does_nothing(guest: Host) -> None:
    assert call(guest, Function.CPU_OFF | SMC64) == Result.NOT_SUPPORTED
    assert guest.vm.vcpus[0].mp_state is MpState.RUNNABLE
    assert call(guest, Function.SYSTEM_OFF | SMC64) == Result.NOT_SUPPORTED
    assert guest.user.exits == []


def test_no_feature_of_the_architecture_is_announced(guest: Host) -> None:
    assert call(guest, Function.SMCCC_ARCH_FEATURES, 0x8000_8000) == Result.NOT_SUPPORTED


@pytest.mark.parametrize("function", [Function.CPU_ON, CPU_ON_64])
def test_cpu_on_resets_and_starts_a_vcpu(guest: Host, function: int) -> None:
    target = guest.vm.vcpus[17]
    target.virt_timer.write_cval(5)
    kicks: list[int] = []
    target.on_kick = lambda: kicks.append(17)
    assert call(guest, function, 0x101, ENTRY, 0xC0DE) == Result.SUCCESS
    assert (target.pc, target.x0, target.virt_timer.cval) == (ENTRY, 0xC0DE, 0)
    assert target.mp_state is MpState.RUNNABLE
    assert kicks == [17]


def test_cpu_on_of_a_vcpu_that_is_on_says_so(guest: Host) -> None:
    assert call(guest, CPU_ON_64, 0, ENTRY, 0) == Result.ALREADY_ON


def test_cpu_on_of_an_mpidr_that_there_is_not_is_refused(guest: Host) -> None:
    assert call(guest, CPU_ON_64, 0x700, ENTRY, 0) == Result.INVALID_PARAMETERS


def test_cpu_off_stops_the_caller(guest: Host) -> None:
    assert call(guest, Function.CPU_OFF) == Result.SUCCESS
    assert guest.vm.vcpus[0].mp_state is MpState.STOPPED


def test_cpu_suspend_is_a_wait_that_is_over(guest: Host) -> None:
    assert call(guest, Function.CPU_SUSPEND, 0, ENTRY, 0) == Result.SUCCESS
    assert guest.vm.vcpus[0].mp_state is MpState.RUNNABLE


AFFINITIES = [
    (0, 0, ON),
    (1, 0, OFF),
    (0x103, 0, OFF),
    (0x104, 0, Result.INVALID_PARAMETERS),
    (0x200, 0, Result.INVALID_PARAMETERS),
    (0x000, 1, ON),
    (0x00F, 1, ON),
    (0x100, 1, OFF),
    (0x200, 1, Result.INVALID_PARAMETERS),
    (0x100, 2, ON),
    (0x1_0000, 2, Result.INVALID_PARAMETERS),
    (0xFF_FFFF, 3, ON),
    (0, 4, Result.INVALID_PARAMETERS),
    (0, 1 << 32, Result.INVALID_PARAMETERS),
]


@pytest.mark.parametrize("function", [Function.AFFINITY_INFO, Function.AFFINITY_INFO | SMC64])
@pytest.mark.parametrize(("affinity", "level", "answer"), AFFINITIES)
def test_affinity_info_asks_for_all_vcpus_of_a_level(
    guest: Host,
    function: int,
    affinity: int,
    level: int,
    answer: int,
) -> None:
    assert call(guest, function, affinity, level) == answer


def test_affinity_info_follows_power(guest: Host) -> None:
    assert call(guest, Function.AFFINITY_INFO, 0x100, 1) == OFF
    call(guest, CPU_ON_64, 0x102, ENTRY, 0)
    assert call(guest, Function.AFFINITY_INFO, 0x100, 1) == ON
    call(guest, Function.CPU_OFF, vcpu=18)
    assert call(guest, Function.AFFINITY_INFO, 0x102, 0) == OFF


def test_arguments_that_were_not_given_are_zero(guest: Host) -> None:
    assert call(guest, Function.AFFINITY_INFO) == ON
