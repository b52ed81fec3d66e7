"""What -smp says, and what the machine's own options about its CPUs do."""

from __future__ import annotations

from daemon.options.machine_properties import MACHINE
from daemon.options.parameters import Group, Parameter
from daemon.options.sizes import parse_int
from daemon.options.usage import UsageError
from machine.config import MachineConfig
from machine.errors import MachineError
from machine.topology import (
    LEVELS,
    MOST_CPUS,
    UNSUPPORTED_LEVELS,
    MpidrScheme,
    Topology,
    check_topology_mpidr,
    resolve_smp,
)

INT64 = range(-(1 << 63), 1 << 63)

SMP = Group(
    "smp-opts",
    tuple(Parameter(name, "number") for name in ("cpus", "maxcpus", *LEVELS, *UNSUPPORTED_LEVELS)),
    implied="cpus",
)
SMP_ORDER = (
    "cpus",
    "drawers",
    "books",
    "sockets",
    "dies",
    "clusters",
    "modules",
    "cores",
    "threads",
    "maxcpus",
)
"""The order in which QEMU looks at them (qapi/machine.json: SMPConfiguration)."""


def read_max_cpus(text: str) -> int:
    """How many possible CPUs `-smp` may ask for.

    Raises:
        UsageError: no number, or no machine has as many.
    """
    number = parse_int(text)
    if number is None:
        raise UsageError("Parameter 'x-max-cpus' expects integer")
    if not 1 <= number <= MOST_CPUS:
        raise UsageError(f"-machine x-max-cpus={text}: must be from 1 to {MOST_CPUS}")
    return number


def read_mpidr(text: str, topology: Topology) -> MpidrScheme:
    """What identifies the CPUs, if there are enough values for these."""
    if text not in {scheme.value for scheme in MpidrScheme}:
        raise UsageError(f"Parameter 'x-mpidr' does not accept value '{text}'")
    scheme = MpidrScheme(text)
    if scheme is MpidrScheme.TOPOLOGY:
        try:
            check_topology_mpidr(topology)
        except MachineError as error:
            raise UsageError(f"-machine {error}") from None
    return scheme


def read_topology(given: dict[str, str], max_cpus: int) -> Topology:
    """Complete `-smp`; a machine that was told nothing has 2 of 8 CPUs."""
    default = MachineConfig().topology
    if not given and default.max_cpus <= max_cpus:
        return default
    numbers = {} if given else {"cpus": default.cpus, "maxcpus": default.max_cpus}
    for key in filter(given.__contains__, SMP_ORDER):
        number = parse_int(given[key])
        if number is None or number not in INT64:
            raise UsageError(f"Parameter 'smp.{key}' expects integer")
        numbers[key] = number
    unexpected = next((key for key in given if key not in numbers), None)
    if unexpected is not None:
        raise UsageError(f"Parameter 'smp.{unexpected.partition('.')[0]}' is unexpected")
    try:
        return resolve_smp(numbers, machine=MACHINE, max_cpus=max_cpus)
    except MachineError as error:
        raise UsageError(str(error)) from None
