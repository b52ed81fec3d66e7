"""What a machine is built from: plain data, complete and checked before anything is created."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import UUID

from machine.actions import Actions
from machine.errors import MachineError
from machine.guest.behaviour import Behaviour
from machine.memmap import LOW_REDISTRIBUTORS
from machine.memory_backend import DEFAULT_RAM_ID, check_reserved
from machine.topology import MAX_CPUS, MpidrScheme, Topology

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from machine.faults.stage import Stage
    from machine.numa import Numa

GIB = 1 << 30
NIL_UUID = UUID(int=0)
HOTPLUG_GIC = 3
"""The first GIC that has a redistributor for each CPU, and so lets CPUs come and go."""


@dataclass(frozen=True, slots=True)
class MachineConfig:
    """One `virt` machine.

    Attributes:
        topology: the possible CPUs, and how many of them are there at start.
        cpu_model: one of `machine.cpu_models`, as `-cpu` names it.
        cpu_properties: what `-cpu` gives each CPU besides: names and texts, in their order.
        ram_size: in bytes.
        gic_version: 2 or 3; only 3 can hot-plug.
        hotplug: whether the accelerator can run CPUs that come and go (`tcg,thread=single` can't).
        acpi: whether the firmware publishes ACPI tables (and so whether there is a GED).
        system_suspend: whether the guest may suspend the system, by PSCI SYSTEM_SUSPEND.
        pvpanic: whether there is a device by which the guest tells of a panic.
        name: the guest's name, as `-name` gives it.
        uuid: the machine's UUID.
        devices: what `-device` cold-plugs: property mappings with a "driver".
        rtc_base: what the real time clock shows at first, in seconds since 1970.
        numa: the nodes; None where the machine has no NUMA.
        memory_backend: the id of the object that all of the RAM is in, if it is one of the user's.
        highmem_redists: whether there may be redistributors behind the RAM; without them there is
            room for 123.
        mpidr: what identifies each CPU; with the topology's, `check_topology_mpidr` must agree.
        max_cpus: how many possible CPUs the machine, and its host, are built for.
        behaviour: what the guest is like at first.
        actions: what is done when the guest reboots, powers off, panics, at first.
        stages: what is made to go otherwise from the start.
        seed: of all chance.
        paused: do not start the vCPUs (`-S`).
    """

    topology: Topology = field(default_factory=lambda: Topology(2, 1, 1, 8, 1))
    cpu_model: str = "cortex-a72"
    cpu_properties: tuple[tuple[str, str], ...] = ()
    ram_size: int = GIB
    gic_version: int = 3
    hotplug: bool = True
    acpi: bool = True
    system_suspend: bool = False
    pvpanic: bool = False
    name: str | None = None
    uuid: UUID = NIL_UUID
    devices: tuple[Mapping[str, object], ...] = ()
    rtc_base: int = 0
    numa: Numa | None = None
    memory_backend: str | None = None
    highmem_redists: bool = True
    mpidr: MpidrScheme = MpidrScheme.KVM
    max_cpus: int = MAX_CPUS
    behaviour: Behaviour = field(default_factory=Behaviour)
    actions: Actions = field(default_factory=Actions)
    stages: tuple[Stage, ...] = ()
    seed: int = 0
    paused: bool = False

    @property
    def has_hotpluggable_cpus(self) -> bool:
        """Whether CPUs may come and go."""
        return self.hotplug and self.gic_version >= HOTPLUG_GIC

    @property
    def possible_count(self) -> int:
        """Number of possible CPUs: without hot-plug, those that are there."""
        return self.topology.max_cpus if self.has_hotpluggable_cpus else self.topology.cpus

    @property
    def makes_ram_backend(self) -> bool:
        """Whether the RAM is in a backend that the machine makes for itself."""
        return self.numa is None and self.memory_backend is None

    @property
    def ram_backend(self) -> str | None:
        """The id of the one object that all of the RAM is in; None where nodes have their own."""
        if self.numa is not None:
            return None
        return self.memory_backend or DEFAULT_RAM_ID

    def with_nodes(self, numa: Numa | None, backends: Collection[str]) -> MachineConfig:
        """The same machine, with its NUMA nodes, beside memory backends of these ids.

        Raises:
            MachineError: the RAM that the machine makes for itself has no name left.
        """
        config = replace(self, numa=numa)
        if config.makes_ram_backend:
            check_reserved(backends)
        return config

    def check_hotpluggable(self) -> None:
        """Refuse to list what can be plugged where nothing can.

        Raises:
            MachineError: with the reference's text.
        """
        if not self.has_hotpluggable_cpus:
            raise MachineError("machine does not support hot-plugging CPUs")

    def check_capacity(self) -> None:
        """Refuse more CPUs than there is room for in the interrupt controller.

        Raises:
            MachineError: with QEMU's text.
        """
        if not self.highmem_redists and self.possible_count > LOW_REDISTRIBUTORS:
            raise MachineError(
                f"Number of SMP CPUs requested ({self.possible_count}) exceeds max CPUs "
                f"supported by machine 'mach-virt' ({LOW_REDISTRIBUTORS})"
            )
