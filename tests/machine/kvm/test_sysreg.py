"""System registers by name: the CPU's own, the timers', the GIC's, and those that are not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from machine.kvm.arch_timer import ENABLE, FREQUENCY, TICK
from machine.kvm.sysreg import UndefinedInstructionError
from tests.machine.kvm.host import MIDR, Host

if TYPE_CHECKING:
    from machine.kvm.vcpu import Vcpu


@pytest.fixture
def vcpu(host: Host) -> Vcpu:
    return host.up(18)[17]


def test_a_cpu_knows_who_it_is(vcpu: Vcpu) -> None:
    assert vcpu.mrs("MIDR_EL1") == MIDR
    assert vcpu.mrs("MPIDR_EL1") == 0x8000_0101


def test_the_counters_are_virtual_time(host: Host, vcpu: Vcpu) -> None:
    host.clock.advance_to(1000 * TICK + 15)
    assert vcpu.mrs("CNTVCT_EL0") == vcpu.mrs("CNTPCT_EL0") == 1000
    assert vcpu.mrs("CNTFRQ_EL0") == FREQUENCY == 62_500_000


@pytest.mark.parametrize("which", ["CNTV", "CNTP"])
def test_each_timer_has_its_own_registers(host: Host, vcpu: Vcpu, which: str) -> None:
    timer, other = vcpu.virt_timer, vcpu.phys_timer
    if which == "CNTP":
        timer, other = other, timer
    vcpu.msr(f"{which}_CVAL_EL0", 100)
    vcpu.msr(f"{which}_CTL_EL0", ENABLE)
    assert vcpu.mrs(f"{which}_CVAL_EL0") == 100
    assert vcpu.mrs(f"{which}_TVAL_EL0") == 100
    assert vcpu.mrs(f"{which}_CTL_EL0") == ENABLE
    host.clock.advance_to(100 * TICK)
    assert timer.line.level
    assert (other.line.level, other.ctl, other.cval) == (False, 0, 0)
    vcpu.msr(f"{which}_TVAL_EL0", 7)
    assert vcpu.mrs(f"{which}_CVAL_EL0") == 107


def test_a_written_value_has_64_bits(vcpu: Vcpu) -> None:
    vcpu.msr("CNTV_CVAL_EL0", 1 << 64 | 5)
    assert vcpu.mrs("CNTV_CVAL_EL0") == 5


def test_registers_of_the_gic_are_those_of_this_cpu(host: Host, vcpu: Vcpu) -> None:
    vcpu.msr("ICC_PMR_EL1", 0xF0)
    assert vcpu.mrs("ICC_PMR_EL1") == 0xF0
    assert host.vm.vcpus[0].mrs("ICC_PMR_EL1") == 0
    assert host.vm.gic_cpu(vcpu).affinity == vcpu.affinity


@pytest.mark.parametrize("name", ["SCTLR_EL3", "", "ICC_NOPE_EL1", "CNTV_NOPE_EL0", "CNTX_CTL_EL0"])
def test_a_register_that_there_is_not_is_undefined(vcpu: Vcpu, name: str) -> None:
    with pytest.raises(UndefinedInstructionError, match=f"^{name}$"):
        vcpu.mrs(name)
    with pytest.raises(UndefinedInstructionError, match=f"^{name}$"):
        vcpu.msr(name, 0)


@pytest.mark.parametrize(
    "name",
    ["MIDR_EL1", "MPIDR_EL1", "CNTFRQ_EL0", "CNTVCT_EL0", "CNTPCT_EL0", "ICC_IAR1_EL1"],
)
def test_a_register_that_is_read_only_cannot_be_written(vcpu: Vcpu, name: str) -> None:
    with pytest.raises(UndefinedInstructionError, match=name):
        vcpu.msr(name, 1)


@pytest.mark.parametrize("name", ["ICC_EOIR1_EL1", "ICC_SGI1R_EL1"])
def test_a_register_that_is_write_only_cannot_be_read(vcpu: Vcpu, name: str) -> None:
    with pytest.raises(UndefinedInstructionError, match=name):
        vcpu.mrs(name)
