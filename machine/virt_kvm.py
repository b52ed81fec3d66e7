"""What the board asks of the host's KVM, in the only order that it takes (the talk's T9 to T13).

The VM, its memory, *every* vCPU that there will ever be, then the vGIC, which closes that door.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine import memmap
from machine.accel import KvmAccel
from machine.kvm.smccc import CPU_ON_64, Function
from machine.kvm.vgic import RedistRegion
from machine.kvm.vm import FilterAction, HostLimits, Vm
from machine.topology import MpidrScheme, topology_mpidr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from machine.clock import VirtualClock
    from machine.config import MachineConfig
    from machine.kvm.vgic import Vgic
    from machine.kvm.vm import ExitHandler
    from machine.memory import Ram
    from machine.trace import Trace

FORWARDED = (CPU_ON_64, Function.CPU_ON, Function.CPU_OFF)
"""PSCI calls that are for the board to answer, and not for the kernel."""


def create_vm(
    config: MachineConfig, ram: Ram, clock: VirtualClock, exits: ExitHandler, trace: Trace
) -> Vm:
    """The VM, with its memory and the filter of its hypercalls."""
    vm = Vm(clock, exits, trace, HostLimits(config.max_cpus, config.max_cpus))
    vm.set_user_memory_region(ram)
    for function in FORWARDED:
        vm.set_smccc_filter(function, 1, FilterAction.FORWARD)
    vm.system_suspend = config.system_suspend
    return vm


def create_vcpus(vm: Vm, config: MachineConfig, midr: int) -> KvmAccel:
    """Every possible vCPU, all of them parked."""
    accel = KvmAccel(vm, midr, vm.trace)
    for vcpu_id in range(config.possible_count):
        accel.park_vcpu(accel.create_vcpu(vcpu_id, _mpidr(config, vcpu_id)))
    return accel


def _mpidr(config: MachineConfig, index: int) -> int | None:
    """What is to identify a possible CPU; None leaves it to the kernel."""
    if config.mpidr is MpidrScheme.KVM:
        return None
    return topology_mpidr(config.topology, config.topology.location(index))


def create_vgic(vm: Vm, regions: Sequence[memmap.Range]) -> Vgic:
    """The vGIC, with a redistributor for each vCPU; from here on none can be created."""
    vgic = vm.create_vgic()
    vgic.set_dist_address(memmap.GICD.base)
    for index, at in enumerate(regions):
        count = min(at.size // memmap.REDISTRIBUTOR_SIZE, RedistRegion.MAX_COUNT)
        vgic.add_redist_region(RedistRegion(index, at.base, count).encode())
    vgic.set_nr_irqs(memmap.SPI_BASE + memmap.SPIS)
    vgic.init(accessible=False)
    if vm.trace.on:
        vm.trace("kvm", "vgic_init", vcpus=len(vm.vcpus), nr_irqs=vgic.irqs)
    return vgic


def redistributor_regions(config: MachineConfig) -> list[memmap.Range]:
    """Where the redistributors lie: 123 below, the rest behind the RAM."""
    regions = [memmap.GICR_LOW]
    if config.possible_count > memmap.LOW_REDISTRIBUTORS:
        regions.append(memmap.high_redistributors(config.ram_size, config.possible_count))
    return regions
