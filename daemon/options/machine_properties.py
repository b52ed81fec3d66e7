"""The properties of `-machine`: those that mean something, may be said, or are not modelled."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from daemon.options.parameters import Group, Parameter, switch
from daemon.options.usage import UsageError
from machine.topology import MAX_CPUS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MACHINE = "virt-9.2"
MACHINES = {"virt": MACHINE, MACHINE: MACHINE}
"""`-machine` names, aliases included."""

GIC_VERSIONS = {"2": 2, "3": 3, "host": 3, "max": 3}
"""The modelled host has a GICv3, and it is the newest that is modelled."""

ACCELERATORS = ("kvm", "tcg")
ANY = (True, False)
MACHINE_SWITCHES: Mapping[str, tuple[bool, ...]] = {
    "dump-guest-core": ANY,
    "mem-merge": ANY,
    "suppress-vmdesc": ANY,
    "highmem": (True,),
    "compact-highmem": (True,),
    "dt-kaslr-seed": (False,),
    "dtb-randomness": (False,),
    "hmat": (False,),
    "its": (False,),
    "mte": (False,),
    "nvdimm": (False,),
    "ras": (False,),
    "secure": (False,),
    "usb": (False,),
    "virtualization": (False,),
}
"""Switches of QEMU's `virt` that change nothing here, with the positions that are true of us."""

UNMODELLED = frozenset(
    {
        "aux-ram-share",
        "confidential-guest-support",
        "default-bus-bypass-iommu",
        "dtb",
        "firmware",
        "highmem-ecam",
        "highmem-mmio",
        "highmem-mmio-size",
        "iommu",
        "kernel-irqchip",
        "memory-encryption",
        "nvdimm-persistence",
        "x-oem-id",
        "x-oem-table-id",
    },
)
"""Properties of QEMU's `virt` of which there is nothing here."""

MACHINE_GROUP = Group(
    "machine",
    (
        Parameter("type", shape="virt", default="virt"),
        Parameter("gic-version", shape="3|2|max|host", default="3"),
        Parameter("acpi", shape="on|off", default="on"),
        Parameter("accel", shape="kvm|tcg"),
        Parameter("x-system-suspend", "boolean", default="off"),
        Parameter("x-pvpanic", "boolean", default="off"),
        Parameter("memory-backend", shape="ID"),
        Parameter("highmem-redists", "boolean", default="on"),
        Parameter("dumpdtb", shape="FILE"),
        *(Parameter(name, "boolean") for name in MACHINE_SWITCHES),
        Parameter("x-mpidr", shape="kvm|topology", default="kvm"),
        Parameter("x-max-cpus", "number", default=str(MAX_CPUS)),
    ),
    implied="type",
)


def _gic_version(text: str) -> int:
    if text == "4":
        raise UsageError("-machine gic-version=4 is not modelled: the newest is 3")
    if text not in GIC_VERSIONS:
        raise UsageError("Invalid gic-version value: valid values are 3, 2, host, max")
    return GIC_VERSIONS[text]


def _acpi(text: str) -> bool:
    if text not in {"on", "off", "auto"}:
        raise UsageError(f"Parameter 'acpi' does not accept value '{text}'")
    return text != "off"


def _accelerators(text: str) -> bool:
    for name in text.split(":"):
        if name not in ACCELERATORS:
            raise UsageError(f"invalid accelerator {name}")
    return True


PROPERTIES: Mapping[str, Callable[[str], int]] = {
    "gic-version": _gic_version,
    "acpi": _acpi,
    "accel": _accelerators,
    **{
        name: partial(switch, name) for name in ("highmem-redists", "x-system-suspend", "x-pvpanic")
    },
}
"""The properties of `-machine` that mean something here."""


def check_property(key: str, text: str) -> None:
    """Let a property pass that changes nothing, and is true of us.

    Raises:
        UsageError: it is unknown, or not so here.
    """
    if key in UNMODELLED:
        raise UsageError(f"-machine {key}={text} is not modelled")
    if key not in MACHINE_SWITCHES:
        raise UsageError(f"Property '{MACHINE}-machine.{key}' not found")
    if switch(key, text) not in MACHINE_SWITCHES[key]:
        raise UsageError(f"-machine {key}={text} is not modelled")
