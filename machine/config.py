"""What a machine is built from: plain data, complete and checked before anything is created."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from machine.topology import Topology

if TYPE_CHECKING:
    from collections.abc import Mapping

    from machine.numa import Numa

GIB = 1 << 30
NIL_UUID = UUID(int=0)


@dataclass(frozen=True, slots=True)
class MachineConfig:
    """One `virt` machine.

    Attributes:
        topology: the possible CPUs, and how many of them are there at start.
        cpu_model: one of `machine.cpu_models`, as `-cpu` names it.
        ram_size: in bytes.
        gic_version: 2 or 3; only 3 can hot-plug.
        hotplug: whether the accelerator can run CPUs that come and go (`tcg,thread=single` can't).
        acpi: whether the firmware publishes ACPI tables (and so whether there is a GED).
        system_suspend: whether the guest may suspend the system, by PSCI SYSTEM_SUSPEND.
        name: the guest's name, as `-name` gives it.
        uuid: the machine's UUID.
        devices: what `-device` cold-plugs: property mappings with a "driver".
        numa: the nodes; None where the machine has no NUMA.
        paused: do not start the vCPUs (`-S`).
    """

    topology: Topology = field(default_factory=lambda: Topology(2, 1, 1, 8, 1))
    cpu_model: str = "cortex-a72"
    ram_size: int = GIB
    gic_version: int = 3
    hotplug: bool = True
    acpi: bool = True
    system_suspend: bool = False
    name: str | None = None
    uuid: UUID = NIL_UUID
    devices: tuple[Mapping[str, object], ...] = ()
    numa: Numa | None = None
    paused: bool = False
