"""PSCI and SMCCC as the kernel answers them where nobody filters: every function, every result."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from machine.cpu_models import CPU_MODELS
from machine.kvm.smccc import CPU_ON_64, SMC64, Function, Result
from machine.kvm.vcpu import MpState

if TYPE_CHECKING:
    from tests.machine.kvm.host import Host

ON, OFF = 0, 1
ENTRY = 0x4000_8000
HIGH = 0xDEAD_BEEF << 32
"""Upper halves of registers, which a 32-bit call does not look at."""

F, R = Function, Result


def call(host: Host, function: int, *args: int, vcpu: int = 0) -> int:
    answer = host.vm.vcpus[vcpu].hvc(function, *args)
    return answer - (answer >> 63 << 64)


@pytest.fixture
def guest(host: Host) -> Host:
    """Twenty vCPUs, of which the first is on."""
    host.up(20)[0].set_mp_state(MpState.RUNNABLE)
    return host


class Known(NamedTuple):
    """What there is to know of a function: its forms, and what PSCI_FEATURES says of it."""

    narrow: bool = True
    wide: bool = False
    feature: bool = True


THERE = {
    F.SMCCC_VERSION: Known(),
    F.SMCCC_ARCH_FEATURES: Known(feature=False),
    F.SMCCC_ARCH_WORKAROUND_1: Known(feature=False),
    F.SMCCC_ARCH_WORKAROUND_2: Known(feature=False),
    F.SMCCC_ARCH_WORKAROUND_3: Known(feature=False),
    F.PSCI_VERSION: Known(),
    F.CPU_SUSPEND: Known(wide=True),
    F.CPU_OFF: Known(),
    F.CPU_ON: Known(wide=True),
    F.AFFINITY_INFO: Known(wide=True),
    F.MIGRATE_INFO_TYPE: Known(),
    F.SYSTEM_OFF: Known(),
    F.SYSTEM_RESET: Known(),
    F.PSCI_FEATURES: Known(),
    F.SYSTEM_SUSPEND: Known(wide=True),
    F.SYSTEM_RESET2: Known(wide=True),
}
"""By hand, and on purpose a second time. All other functions of PSCI 1.1 are optional."""

ABSENT = Known(narrow=False, feature=False)


# Which functions there are


@pytest.mark.parametrize("function", Function)
def test_features_tells_of_each_function_in_both_forms(guest: Host, function: Function) -> None:
    guest.vm.system_suspend = True
    known = THERE.get(function, ABSENT)
    narrow = R.SUCCESS if known.feature and known.narrow else R.NOT_SUPPORTED
    wide = R.SUCCESS if known.feature and known.wide else R.NOT_SUPPORTED
    assert call(guest, F.PSCI_FEATURES, function) == narrow
    assert call(guest, F.PSCI_FEATURES, function | SMC64) == wide


@pytest.mark.parametrize("function", Function)
def test_a_form_that_there_is_not_is_not_supported_and_does_nothing(
    guest: Host, function: Function
) -> None:
    known = THERE.get(function, ABSENT)
    forms = [form for form, there in ((0, known.narrow), (SMC64, known.wide)) if not there]
    for form in forms:
        assert call(guest, function | form, 1, ENTRY, 0) == R.NOT_SUPPORTED
    assert guest.vm.vcpus[0].mp_state is MpState.RUNNABLE
    assert guest.vm.vcpus[1].mp_state is MpState.STOPPED
    assert guest.user.exits == []


OTHERS = {
    "the last of PSCI": 0x8400_001F,
    "the TRNG's version": 0x8400_0050,
    "the TRNG's 64-bit random number": 0xC400_0053,
    "a hypervisor's UID": 0x8600_FF01,
    "paravirtual time": 0xC500_0020,
    "Arm32 SMC of no owner": 0,
    "an OEM's": 0x8300_0000,
}


@pytest.mark.parametrize("function", OTHERS.values(), ids=OTHERS)
def test_a_service_that_there_is_not_is_not_supported(guest: Host, function: int) -> None:
    assert call(guest, function) == R.NOT_SUPPORTED
    assert call(guest, F.PSCI_FEATURES, function) == R.NOT_SUPPORTED
    assert call(guest, F.SMCCC_ARCH_FEATURES, function) == R.NOT_SUPPORTED


def test_the_identifier_is_in_w0(guest: Host) -> None:
    assert call(guest, HIGH | F.PSCI_VERSION) == 0x1_0001


# Constants


def test_psci_is_of_version_1_1(guest: Host) -> None:
    assert call(guest, F.PSCI_VERSION) == 0x1_0001


def test_smccc_is_of_version_1_1(guest: Host) -> None:
    assert call(guest, F.SMCCC_VERSION) == 0x1_0001


def test_no_trusted_os_is_there_to_migrate(guest: Host) -> None:
    assert call(guest, F.MIGRATE_INFO_TYPE) == 2
    assert call(guest, F.MIGRATE, 1) == R.NOT_SUPPORTED
    assert call(guest, F.MIGRATE_INFO_UP_CPU) == R.NOT_SUPPORTED


def test_cpu_suspend_has_its_original_format_and_no_os_initiated_mode(guest: Host) -> None:
    assert call(guest, F.PSCI_FEATURES, F.CPU_SUSPEND) == 0
    assert call(guest, F.PSCI_SET_SUSPEND_MODE, 1) == R.NOT_SUPPORTED


def test_features_looks_at_32_bits(guest: Host) -> None:
    assert call(guest, F.PSCI_FEATURES, HIGH | F.CPU_OFF) == R.SUCCESS
    assert call(guest, F.PSCI_FEATURES, HIGH | 0x8400_FFFF) == R.NOT_SUPPORTED


# Workarounds


REQUIRED, UNAFFECTED, NOT_SUPPORTED, NOT_REQUIRED = 0, 1, -1, -2
WORKAROUNDS = {
    "cortex-a53": (UNAFFECTED, NOT_REQUIRED, UNAFFECTED),
    "cortex-a57": (REQUIRED, NOT_REQUIRED, REQUIRED),
    "cortex-a72": (REQUIRED, NOT_REQUIRED, REQUIRED),
    "cortex-a76": (UNAFFECTED, NOT_SUPPORTED, REQUIRED),
    "neoverse-n1": (UNAFFECTED, NOT_SUPPORTED, REQUIRED),
    "max": (UNAFFECTED, NOT_SUPPORTED, UNAFFECTED),
    "a64fx": (NOT_SUPPORTED, NOT_SUPPORTED, UNAFFECTED),
}
"""For Spectre v2, v4 and BHB; KVM's permanent mitigation of v4 is "not required"."""


@pytest.mark.parametrize("model", WORKAROUNDS)
def test_a_guest_is_told_which_workarounds_its_cpu_needs(guest: Host, model: str) -> None:
    guest.vm.vcpus[0].midr = CPU_MODELS[model].midr
    asked = (F.SMCCC_ARCH_WORKAROUND_1, F.SMCCC_ARCH_WORKAROUND_2, F.SMCCC_ARCH_WORKAROUND_3)
    told = tuple(call(guest, F.SMCCC_ARCH_FEATURES, HIGH | function) for function in asked)
    assert told == WORKAROUNDS[model]


@pytest.mark.parametrize(
    "function",
    [F.SMCCC_ARCH_WORKAROUND_1, F.SMCCC_ARCH_WORKAROUND_2, F.SMCCC_ARCH_WORKAROUND_3],
)
def test_a_workaround_can_be_called(guest: Host, function: Function) -> None:
    assert call(guest, function) == R.SUCCESS


@pytest.mark.parametrize("function", [F.SMCCC_VERSION, F.SMCCC_ARCH_FEATURES, F.CPU_ON, 0])
def test_arch_features_tells_of_workarounds_only(guest: Host, function: int) -> None:
    assert call(guest, F.SMCCC_ARCH_FEATURES, function) == R.NOT_SUPPORTED


# CPU_ON


@pytest.mark.parametrize("function", [F.CPU_ON, CPU_ON_64])
def test_cpu_on_resets_and_starts_a_vcpu(guest: Host, function: int) -> None:
    target = guest.vm.vcpus[17]
    target.virt_timer.write_cval(5)
    kicks: list[int] = []
    target.on_kick = lambda: kicks.append(17)
    assert call(guest, function, 0x101, ENTRY, 0xC0DE) == R.SUCCESS
    assert (target.pc, target.x0, target.virt_timer.cval) == (ENTRY, 0xC0DE, 0)
    assert target.mp_state is MpState.RUNNABLE
    assert kicks == [17]


def test_a_32_bit_cpu_on_does_not_look_at_the_upper_halves(guest: Host) -> None:
    assert call(guest, F.CPU_ON, HIGH | 0x101, HIGH | ENTRY, HIGH | 0xC0DE) == R.SUCCESS
    assert (guest.vm.vcpus[17].pc, guest.vm.vcpus[17].x0) == (ENTRY, 0xC0DE)


def test_a_64_bit_cpu_on_hands_64_bits_over(guest: Host) -> None:
    assert call(guest, CPU_ON_64, 0x101, HIGH | ENTRY, HIGH | 0xC0DE) == R.SUCCESS
    assert (guest.vm.vcpus[17].pc, guest.vm.vcpus[17].x0) == (HIGH | ENTRY, HIGH | 0xC0DE)


def test_cpu_on_of_a_vcpu_that_is_on_says_so(guest: Host) -> None:
    assert call(guest, CPU_ON_64, 0, ENTRY, 0) == R.ALREADY_ON


NO_TARGETS = {
    "no such vCPU": 0x700,
    "the constant bit of MPIDR_EL1": 0x8000_0001,
    "the MT bit": 0x0100_0001,
    "bits above Aff3": 1 << 40 | 1,
}


@pytest.mark.parametrize("target", NO_TARGETS.values(), ids=NO_TARGETS)
def test_cpu_on_of_what_is_no_affinity_of_a_vcpu_is_refused(guest: Host, target: int) -> None:
    assert call(guest, CPU_ON_64, target, ENTRY, 0) == R.INVALID_PARAMETERS
    assert guest.vm.vcpus[1].mp_state is MpState.STOPPED


# CPU_OFF and CPU_SUSPEND


def test_cpu_off_stops_the_caller(guest: Host) -> None:
    assert call(guest, F.CPU_OFF) == R.SUCCESS
    assert guest.vm.vcpus[0].mp_state is MpState.STOPPED


STANDBY, POWERDOWN = 0, 1 << 16


@pytest.mark.parametrize("state", [STANDBY, POWERDOWN, POWERDOWN | 3 << 24 | 0xFFFF])
@pytest.mark.parametrize("function", [F.CPU_SUSPEND, F.CPU_SUSPEND | SMC64])
def test_cpu_suspend_is_a_standby_whatever_the_state(
    guest: Host, function: int, state: int
) -> None:
    """The caller goes on behind the call: the entry point is for a power-down that KVM has not."""
    vcpu = guest.vm.vcpus[0]
    vcpu.pc, vcpu.x0 = ENTRY, 7
    assert call(guest, function, state, ENTRY + 0x1000, 0) == R.SUCCESS
    assert vcpu.mp_state is MpState.RUNNABLE
    assert (vcpu.pc, vcpu.x0) == (ENTRY, 7)


# AFFINITY_INFO


AFFINITIES = [
    (0, 0, ON),
    (1, 0, OFF),
    (0x103, 0, OFF),
    (0x104, 0, R.INVALID_PARAMETERS),
    (0x200, 0, R.INVALID_PARAMETERS),
    (0x8000_0001, 0, R.INVALID_PARAMETERS),
    (0x000, 1, ON),
    (0x00F, 1, ON),
    (0x100, 1, OFF),
    (0x200, 1, R.INVALID_PARAMETERS),
    (0x100, 2, ON),
    (0x1_0000, 2, R.INVALID_PARAMETERS),
    (0xFF_FFFF, 3, ON),
    (0x100_0000, 3, R.INVALID_PARAMETERS),
    (0, 4, R.INVALID_PARAMETERS),
]


@pytest.mark.parametrize("function", [F.AFFINITY_INFO, F.AFFINITY_INFO | SMC64])
@pytest.mark.parametrize(("affinity", "level", "answer"), AFFINITIES)
def test_affinity_info_asks_for_all_vcpus_of_a_level(
    guest: Host,
    function: int,
    affinity: int,
    level: int,
    answer: int,
) -> None:
    assert call(guest, function, affinity, level) == answer


def test_a_32_bit_affinity_info_does_not_look_at_the_upper_halves(guest: Host) -> None:
    assert call(guest, F.AFFINITY_INFO, HIGH | 1, HIGH) == OFF
    assert call(guest, F.AFFINITY_INFO | SMC64, 1, HIGH) == R.INVALID_PARAMETERS
    assert call(guest, F.AFFINITY_INFO | SMC64, 1 << 40, 3) == R.INVALID_PARAMETERS


def test_affinity_info_follows_power(guest: Host) -> None:
    assert call(guest, F.AFFINITY_INFO, 0x100, 1) == OFF
    call(guest, CPU_ON_64, 0x102, ENTRY, 0)
    assert call(guest, F.AFFINITY_INFO, 0x100, 1) == ON
    call(guest, F.CPU_OFF, vcpu=18)
    assert call(guest, F.AFFINITY_INFO, 0x102, 0) == OFF


def test_arguments_that_were_not_given_are_zero(guest: Host) -> None:
    assert call(guest, F.AFFINITY_INFO) == ON


# The system


@pytest.mark.parametrize(
    ("function", "kind"), [(F.SYSTEM_OFF, "shutdown"), (F.SYSTEM_RESET, "reset")]
)
def test_a_system_call_is_an_exit_and_a_failure_if_it_comes_back(
    guest: Host, function: Function, kind: str
) -> None:
    assert call(guest, function) == R.INTERNAL_FAILURE
    assert guest.user.exits == [("event", 0, kind)]


RESETS = [
    (0, R.INTERNAL_FAILURE),
    (1, R.INVALID_PARAMETERS),
    (0x7FFF_FFFF, R.INVALID_PARAMETERS),
    (0x8000_0000, R.INTERNAL_FAILURE),
    (0x8000_0001, R.INTERNAL_FAILURE),
]


@pytest.mark.parametrize("function", [F.SYSTEM_RESET2, F.SYSTEM_RESET2 | SMC64])
@pytest.mark.parametrize(("kind", "answer"), RESETS)
def test_reset2_takes_the_warm_reset_and_those_of_the_vendor(
    guest: Host, function: int, kind: int, answer: int
) -> None:
    assert call(guest, function, kind, 0xC0DE) == answer
    happened = [("event", 0, "reset")] if answer == R.INTERNAL_FAILURE else []
    assert guest.user.exits == happened


def test_there_is_no_system_suspend_unless_user_space_has_enabled_it(guest: Host) -> None:
    for form in (0, SMC64):
        assert call(guest, F.PSCI_FEATURES, F.SYSTEM_SUSPEND | form) == R.NOT_SUPPORTED
        assert call(guest, F.SYSTEM_SUSPEND | form, ENTRY, 0) == R.NOT_SUPPORTED
    assert guest.user.exits == []


@pytest.mark.parametrize("answer", [R.SUCCESS, R.DENIED, R.INVALID_ADDRESS])
def test_system_suspend_is_an_exit_and_user_spaces_to_answer(guest: Host, answer: int) -> None:
    guest.vm.system_suspend = True
    guest.user.answer = answer
    assert call(guest, F.SYSTEM_SUSPEND, HIGH | ENTRY, HIGH | 7) == answer
    assert call(guest, F.SYSTEM_SUSPEND | SMC64, HIGH | ENTRY, HIGH | 7) == answer
    assert guest.user.exits == [("suspend", 0, ENTRY, 7), ("suspend", 0, HIGH | ENTRY, HIGH | 7)]


@pytest.mark.parametrize("function", [F.MEM_PROTECT, F.MEM_PROTECT_CHECK_RANGE])
def test_memory_is_not_protected_over_a_reset(guest: Host, function: Function) -> None:
    for form in (0, SMC64):
        assert call(guest, function | form, 1) == R.NOT_SUPPORTED
