"""The QOM properties of a CPU: one table for device_add, qom-list, qom-get and introspection.

The names, types, order and defaults are those of the reference's ARMCPU.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from machine.errors import MachineError
from machine.kvm.arch_timer import FREQUENCY
from machine.memmap import (
    GICD,
    PPI_HYPERVISOR_TIMER,
    PPI_MAINTENANCE,
    PPI_PHYSICAL_TIMER,
    PPI_PMU,
    PPI_SECURE_TIMER,
    PPI_VIRTUAL_TIMER,
    SPIS,
)
from machine.qdev_values import parse_bool, parse_int32, parse_uint32, parse_uint64

if TYPE_CHECKING:
    from machine.cpu import ArmCpu, CpuSlot

UNSET_MP_AFFINITY = 0xFFFF_FF00_FF00_0000
"""The marker for "the board decides" (every bit that is no affinity)."""
UNSET_NODE = -1
PSCI_CONDUIT_HVC = 2
SYSTEM_MEMORY = "/machine/unattached/system[0]"


@dataclass(frozen=True, slots=True)
class CpuView:
    """What a property is read from."""

    cpu: ArmCpu
    slot: CpuSlot
    boot_cpus: int
    gic_path: str


Getter = Callable[[CpuView], Any]
Parser = Callable[[str, str], object]


@dataclass(frozen=True, slots=True)
class CpuProperty:
    """One property.

    Attributes:
        name: as clients write it.
        type: as `qom-list` shows it.
        get: its value; None where it can't be read.
        parse: how device_add takes it; None where it can't be written.
        introspect: whether `device-list-properties` has it.
        default: what `device-list-properties` says, if it says anything.
        description: as there.
    """

    name: str
    type: str
    get: Getter | None
    parse: Parser | None = None
    introspect: bool = True
    default: object = None
    description: str | None = None


def _own(name: str, value: object) -> Getter:
    """What the user set, or else the value that such a CPU has."""
    return lambda view: view.cpu.properties.get(name, value)


def starts_powered_off(cpu: ArmCpu, slot: CpuSlot) -> bool:
    """Whether a CPU waits to be started: the board says so of all but the boot CPU."""
    return slot.index > 0 or bool(cpu.properties.get("start-powered-off", False))


def _cntfrq(view: CpuView) -> object:
    """The counter's rate in Hz; 0 leaves it to the machine."""
    return view.cpu.properties.get("cntfrq") or FREQUENCY


def _core_count(view: CpuView) -> object:
    """What L2CTLR_EL1 would say: the CPUs at start, unless the user knows better."""
    return view.cpu.properties.get("core-count", view.boot_cpus)


def _node_id(view: CpuView) -> object:
    """The slot's NUMA node; where there are none, what the user said."""
    if view.slot.node_id is None:
        return view.cpu.properties.get("node-id", UNSET_NODE)
    return view.slot.node_id


def _boolean(name: str, value: object, default: object = None) -> CpuProperty:
    return CpuProperty(name, "bool", _own(name, value), parse_bool, default=default)


def _int32(name: str, get: Getter, default: object) -> CpuProperty:
    return CpuProperty(name, "int32", get, parse_int32, default=default)


def _uint64(name: str, get: Getter, default: object = None) -> CpuProperty:
    return CpuProperty(name, "uint64", get, parse_uint64, default=default)


def _gpio_in(n: int) -> CpuProperty:
    name = f"unnamed-gpio-in[{n}]"
    return CpuProperty(name, "child<irq>", lambda view: f"{view.cpu.path}/{name}")


def _ppi(name: str, intid: int | None) -> CpuProperty:
    """An output that the board wires to a PPI: the GIC's inputs are the SPIs, then 32 a CPU."""

    def get(view: CpuView) -> str:
        if intid is None:
            return ""
        return f"{view.gic_path}/unnamed-gpio-in[{SPIS + 32 * view.slot.index + intid}]"

    return CpuProperty(name, "link<irq>", get)


_MEMORY = CpuProperty("memory", "link<memory-region>", lambda _view: SYSTEM_MEMORY)
_NO_MEMORY = CpuProperty("secure-memory", "link<memory-region>", lambda _view: "")

CPU_PROPERTIES: tuple[CpuProperty, ...] = (
    CpuProperty("type", "string", lambda view: view.cpu.typename, introspect=False),
    CpuProperty("parent_bus", "link<bus>", lambda _view: "", introspect=False),
    CpuProperty("realized", "bool", lambda _view: True, parse_bool, introspect=False),
    CpuProperty("hotplugged", "bool", lambda view: view.cpu.hotplugged, introspect=False),
    CpuProperty("hotpluggable", "bool", lambda _view: True, introspect=False),
    _MEMORY,
    CpuProperty("legacy-memory", "str", None, introspect=False),
    CpuProperty(
        "start-powered-off",
        "bool",
        lambda view: starts_powered_off(view.cpu, view.slot),
        parse_bool,
    ),
    _boolean("acpi-persistent", True, False),
    _int32("core-id", lambda view: view.slot.location.core_id, 0),
    _int32("cluster-id", lambda view: view.slot.location.cluster_id, 0),
    _uint64("midr", lambda view: view.slot.vcpu.midr, 0),
    _int32("thread-id", lambda view: view.slot.location.thread_id, 0),
    _int32("core-count", _core_count, -1),
    _boolean("backcompat-cntfrq", False, False),
    _int32("socket-id", lambda view: view.slot.location.socket_id, 0),
    _int32("node-id", _node_id, -1),
    _uint64("mp-affinity", lambda view: view.slot.arch_id, UNSET_MP_AFFINITY),
    CpuProperty(
        "aarch64",
        "bool",
        lambda _view: True,
        parse_bool,
        description="Set on/off to enable/disable aarch64 execution state ",
    ),
    CpuProperty("has_el2", "bool", lambda _view: False, parse_bool, default=True),
    _gpio_in(2),
    _boolean("pmu", True),
    _ppi("unnamed-gpio-out[1]", PPI_VIRTUAL_TIMER),
    _uint64("cntfrq", _cntfrq, 0),
    CpuProperty("psci-conduit", "uint32", lambda _view: PSCI_CONDUIT_HVC, parse_uint32),
    _boolean("vfp", True, True),
    _gpio_in(3),
    _boolean("neon", True, True),
    _boolean("reset-hivecs", False, False),
    _ppi("unnamed-gpio-out[2]", PPI_HYPERVISOR_TIMER),
    _gpio_in(0),
    _boolean("cfgend", False, False),
    _ppi("unnamed-gpio-out[3]", PPI_SECURE_TIMER),
    _uint64("rvbar", _own("rvbar", 0)),
    _gpio_in(4),
    CpuProperty("has_el3", "bool", lambda _view: False, parse_bool, default=True),
    _ppi("gicv3-maintenance-interrupt[0]", PPI_MAINTENANCE),
    _uint64("reset-cbar", lambda _view: GICD.base, 0),
    _gpio_in(1),
    _ppi("unnamed-gpio-out[0]", PPI_PHYSICAL_TIMER),
    _NO_MEMORY,
    _gpio_in(5),
    _ppi("pmu-interrupt[0]", PPI_PMU),
    _ppi("unnamed-gpio-out[4]", None),
)

BY_NAME = {entry.name: entry for entry in CPU_PROPERTIES}


def check_features(properties: dict[str, object]) -> None:
    """Refuse what such a CPU can't be.

    Raises:
        MachineError: for a CPU without AArch64.
    """
    if properties.get("aarch64") is False:
        raise MachineError(
            "'aarch64' feature cannot be disabled unless KVM is enabled "
            "and 32-bit EL1 is supported",
        )
