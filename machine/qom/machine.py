"""The properties of `/machine`: those of QEMU's that are true or false of this one.

They were options of `-M`, and what came of them can't be changed any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from machine.acpi.aml_table import BOCHS
from machine.qom.device import Declared
from machine.qom.node import Property

if TYPE_CHECKING:
    from collections.abc import Iterator

    from machine.planned import PlannedMachine
    from machine.virt import VirtMachine


def _smp(machine: VirtMachine | PlannedMachine) -> dict[str, Any]:
    topology = machine.config.topology
    return {
        "cpus": topology.cpus,
        "maxcpus": machine.config.possible_count,
        "sockets": topology.sockets,
        "clusters": topology.clusters,
        "cores": topology.cores,
        "threads": topology.threads,
    }


def _ram_backend(machine: VirtMachine | PlannedMachine) -> str:
    backend = machine.config.ram_backend
    return f"/objects/{backend}" if backend is not None else ""


def _memory(machine: VirtMachine | PlannedMachine) -> dict[str, Any]:
    size = machine.config.ram_size
    return {"size": size, "max-size": size}


MACHINE_PROPERTIES: tuple[Declared, ...] = (
    Declared("memory", "MemorySizeConfiguration", _memory, None, "Memory size configuration"),
    Declared("smp", "SMPConfiguration", _smp, None, "CPU topology"),
    Declared("memory-backend", "link<memory-backend>", _ram_backend),
    Declared("graphics", "bool", lambda _machine: False),
    Declared("usb", "bool", lambda _machine: False),
    Declared(
        "acpi",
        "OnOffAuto",
        lambda machine: "on" if machine.config.acpi else "off",
        None,
        "Enable ACPI",
    ),
    Declared("gic-version", "string", lambda machine: str(machine.config.gic_version)),
    Declared("its", "bool", lambda _machine: False),
    Declared("iommu", "string", lambda _machine: "none"),
    Declared("secure", "bool", lambda _machine: False),
    Declared("virtualization", "bool", lambda _machine: False),
    Declared("mte", "bool", lambda _machine: False),
    Declared("ras", "bool", lambda _machine: False),
    Declared("highmem", "bool", lambda _machine: True),
    Declared("highmem-redists", "bool", lambda machine: machine.config.highmem_redists),
    Declared(
        "x-system-suspend",
        "bool",
        lambda machine: machine.config.system_suspend,
        None,
        "Let the guest suspend the system, by PSCI SYSTEM_SUSPEND",
    ),
    Declared(
        "x-pvpanic",
        "bool",
        lambda machine: machine.config.pvpanic,
        None,
        "A device by which the guest tells of a panic",
    ),
    Declared(
        "x-mpidr",
        "string",
        lambda machine: machine.config.mpidr.value,
        None,
        "Who gives CPUs their MPIDR: the kernel, or user space by the topology",
    ),
    Declared(
        "x-max-cpus",
        "uint32",
        lambda machine: machine.config.max_cpus,
        None,
        "How many CPUs may be possible",
    ),
    Declared("nvdimm", "bool", lambda _machine: False),
    Declared("hmat", "bool", lambda _machine: False),
    Declared("x-oem-id", "string", lambda _machine: BOCHS.oem_id.decode()),
    Declared("x-oem-table-id", "string", lambda _machine: BOCHS.oem_table_id.decode()),
)

BY_NAME = {entry.name: entry for entry in MACHINE_PROPERTIES}


@dataclass(frozen=True, slots=True)
class MachineOwn:
    """These properties, of one machine."""

    machine: VirtMachine | PlannedMachine

    def items(self) -> Iterator[tuple[str, Property]]:
        """All of them."""
        for name, entry in BY_NAME.items():
            yield name, self._property(entry)

    def find(self, name: str) -> Property | None:
        """The one of a name, if there is one."""
        entry = BY_NAME.get(name)
        return None if entry is None else self._property(entry)

    def _property(self, entry: Declared) -> Property:
        get = partial(entry.get, self.machine) if entry.get is not None else None
        return Property(entry.type, get)
