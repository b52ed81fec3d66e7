"""What -machine, -cpu, -smp, -m, -name, -uuid and -device say, and the machine that they make.

As in QEMU, reading and meaning are two steps: options that name properties of the machine only
collect them (`-smp 4` is the property `smp.cpus` of `-machine`, `-m 1G` is `memory.size`), and a
later one overrides an earlier one; what they mean together is decided once all are read.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import UUID

from daemon.options.json_object import parse_object
from daemon.options.keyval import HelpRequest, parse_keyval, parse_opts
from daemon.options.parameters import Group, Parameter, switch
from daemon.options.sizes import parse_int, parse_size
from daemon.options.usage import Exit, UsageError
from machine.config import GIB, MachineConfig
from machine.errors import MachineError
from machine.memory_backend import backend_id, check_reserved, ram_size_of
from machine.topology import (
    LEVELS,
    MAX_CPUS,
    MOST_CPUS,
    UNSUPPORTED_LEVELS,
    MpidrScheme,
    Topology,
    check_topology_mpidr,
    resolve_smp,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from machine.numa_draft import NumaDraft, NumaOption

INT64 = range(-(1 << 63), 1 << 63)

NIL = UUID(int=0)
"""The UUID of a machine that was given none."""

MACHINE = "virt-9.2"
MACHINES = {"virt": MACHINE, MACHINE: MACHINE}
"""`-machine` names, aliases included."""

GIC_VERSIONS = {"2": 2, "3": 3, "host": 3, "max": 3}
"""The modelled host has a GICv3, and it is the newest that is modelled."""

MIN_RAM = 64 << 20
"""Below this no arm64 Linux starts beside its image, device tree and ACPI tables."""
MAX_RAM = 255 * GIB
"""Where `virt`'s memory map continues with devices, at 256 GiB, less the GiB below RAM."""

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
        Parameter("memory-backend", shape="ID"),
        Parameter("highmem-redists", "boolean", default="on"),
        Parameter("dumpdtb", shape="FILE"),
        *(Parameter(name, "boolean") for name in MACHINE_SWITCHES),
        Parameter("x-mpidr", shape="kvm|topology", default="kvm"),
        Parameter("x-max-cpus", "number", default=str(MAX_CPUS)),
    ),
    implied="type",
)
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
MEMORY = Group("memory", (Parameter("size", "size", default="1G"),), implied="size")
NAME = Group(
    "name",
    (
        Parameter("guest", shape="NAME", help="the guest's name"),
        Parameter("process", help="accepted: the process keeps its own name"),
        Parameter("debug-threads", "boolean", help="accepted: there is one thread"),
    ),
    implied="guest",
)
NUMA = Group("numa", implied="type")
ACCEL = Group("accel", implied="accel")
DEVICE = Group("device", implied="driver")


@dataclass(slots=True)
class MachineDraft:
    """What has been read of a machine so far."""

    properties: dict[str, str] = field(default_factory=dict)
    cpu: str = MachineConfig().cpu_model
    name: str | None = None
    uuid: UUID = NIL
    devices: list[Mapping[str, object]] = field(default_factory=list)
    numa: list[tuple[str, NumaOption]] = field(default_factory=list)
    paused: bool = False
    single_threaded: bool = False

    def read_machine(self, text: str) -> None:
        """-machine TYPE[,KEY=VALUE...]."""
        if text in {"help", "?"}:
            raise Exit(f"Supported machines are:\n{MACHINE}  (alias: virt)\n")
        self.properties |= _keyval(text, MACHINE_GROUP)

    def read_dump_dtb(self, text: str) -> None:
        """--dump-dtb FILE, which is -machine dumpdtb=FILE."""
        self.properties["dumpdtb"] = text

    @property
    def dump_dtb(self) -> str | None:
        """Where the device tree is to be written, if anywhere."""
        return self.properties.get("dumpdtb")

    def read_smp(self, text: str) -> None:
        """-smp [cpus=]N[,KEY=N...]."""
        self._nested("smp", text, SMP)

    def read_memory(self, text: str) -> None:
        """-m [size=]SIZE."""
        self._nested("memory", text, MEMORY)

    def _nested(self, prefix: str, text: str, group: Group) -> None:
        given = _keyval(text, group)
        self.properties |= {f"{prefix}.{key}": value for key, value in given.items()}

    def read_name(self, text: str) -> None:
        """-name [guest=]NAME[,debug-threads=on|off]."""
        given = NAME.read(text)
        self.name = given.text("guest") or self.name

    def read_uuid(self, text: str) -> None:
        """-uuid, in its form with hyphens."""
        try:
            self.uuid = UUID(text)
        except ValueError:
            self.uuid = NIL
        if str(self.uuid) != text.lower():
            raise UsageError("failed to parse UUID string: wrong format")

    def read_device(self, text: str) -> None:
        """-device DRIVER[,KEY=VALUE...] or a JSON object."""
        device = parse_object(text) if text.startswith("{") else parse_opts(text, "driver")
        if not isinstance(device.get("driver"), str):
            raise UsageError("Parameter 'driver' is missing")
        self.devices.append(device)

    def read_numa(self, text: str) -> None:
        """-numa TYPE[,KEY=VALUE...] or a JSON object."""
        from daemon.options.numa import parse_numa  # noqa: PLC0415 - few machines have nodes

        self.numa.append((text, parse_numa(text)))

    def read_accelerator(self, text: str) -> None:
        """-accel kvm|tcg[,thread=single|multi]."""
        given = parse_opts(text, "accel")
        name = given.pop("accel", "")
        if name not in ACCELERATORS:
            raise UsageError(f"invalid accelerator {name}")
        thread = given.pop("thread", "multi")
        if thread not in {"single", "multi"}:
            raise UsageError(f"Invalid 'thread' setting {thread}")
        self.single_threaded = thread == "single"
        for key in given:
            raise UsageError(f"Property '{name}-accel.{key}' not found")

    def build(
        self,
        models: Collection[str],
        backends: Mapping[str, int] | None = None,
        *,
        preconfig: bool = False,
    ) -> MachineConfig:
        """Decide what all of it means together.

        Args:
            models: the CPU models that there are.
            backends: the memory backends that are to be created: ids, and sizes in bytes.
            preconfig: what is said of NUMA nodes is checked, but not all has been said.

        Raises:
            UsageError: something is unknown, contradictory or not modelled.
        """
        properties = dict(self.properties)
        properties.pop("dumpdtb", None)
        kind = properties.pop("type", "virt")
        if kind not in MACHINES:
            raise UsageError(f'unsupported machine type: "{kind}"')
        max_cpus = _max_cpus(properties.pop("x-max-cpus", str(MAX_CPUS)))
        topology = _topology(_take(properties, "smp."), max_cpus)
        mpidr = _mpidr(properties.pop("x-mpidr", "kvm"), topology)
        backends = backends or {}
        memory_backend = properties.pop("memory-backend", None)
        ram_size = _ram_size(_take(properties, "memory."), memory_backend, backends)
        known = {
            key: read(properties.pop(key)) for key, read in PROPERTIES.items() if key in properties
        }
        for key, value in properties.items():
            _check_property(key, value)
        config = MachineConfig(
            topology=topology,
            cpu_model=_cpu_model(self.cpu, models),
            cpu_properties=tuple(_cpu_properties(self.cpu)),
            ram_size=ram_size,
            gic_version=known.get("gic-version") or 3,
            hotplug=not self.single_threaded,
            acpi=known.get("acpi", True) is not False,
            system_suspend=bool(known.get("x-system-suspend", False)),
            name=self.name,
            uuid=self.uuid,
            devices=tuple(self.devices),
            memory_backend=backend_id(memory_backend) if memory_backend else None,
            highmem_redists=known.get("highmem-redists", True) is not False,
            mpidr=mpidr,
            max_cpus=max_cpus,
            paused=self.paused,
        )
        numa = self._numa(topology, backends) if self.numa else None
        try:
            config.check_capacity()
            return config if preconfig else _completed(config, numa, backends)
        except MachineError as error:
            raise UsageError(str(error)) from None

    def _numa(self, topology: Topology, backends: Mapping[str, int]) -> NumaDraft:
        """What `-numa` says, one option after the other."""
        from machine.numa_draft import NumaDraft  # noqa: PLC0415 - few machines have nodes

        draft = NumaDraft(topology)
        for text, option in self.numa:
            try:
                draft.apply(option, backends)
            except MachineError as error:
                raise UsageError(f"-numa {text}: {error}") from None
        return draft


def _completed(
    config: MachineConfig, numa: NumaDraft | None, backends: Mapping[str, int]
) -> MachineConfig:
    """The machine with its nodes.

    Raises:
        MachineError: they do not fit, or the machine's RAM has no name left.
    """
    if numa is not None:
        config = replace(config, numa=numa.complete(config.ram_size, config.memory_backend))
    if config.makes_ram_backend:
        check_reserved(backends)
    return config


def _keyval(text: str, group: Group) -> dict[str, str]:
    try:
        return parse_keyval(text, group.implied)
    except HelpRequest:
        raise Exit(group.help) from None


def _take(properties: dict[str, str], prefix: str) -> dict[str, str]:
    names = [key for key in properties if key.startswith(prefix)]
    return {key.removeprefix(prefix): properties.pop(key) for key in names}


def _max_cpus(text: str) -> int:
    number = parse_int(text)
    if number is None:
        raise UsageError("Parameter 'x-max-cpus' expects integer")
    if not 1 <= number <= MOST_CPUS:
        raise UsageError(f"-machine x-max-cpus={text}: must be from 1 to {MOST_CPUS}")
    return number


def _mpidr(text: str, topology: Topology) -> MpidrScheme:
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


def _topology(given: dict[str, str], max_cpus: int) -> Topology:
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


def _ram_size(given: dict[str, str], backend: str | None, backends: Mapping[str, int]) -> int:
    """The size of RAM: as `-m` says, or of the backend that it is in."""
    size = _given_size(given)
    if backend is None:
        return MachineConfig().ram_size if size is None else size
    try:
        size = ram_size_of(backend, size, backends)
    except MachineError as error:
        raise UsageError(str(error)) from None
    return _checked(size, f"-machine memory-backend={backend}")


def _given_size(given: dict[str, str]) -> int | None:
    for key in given:
        if key in {"slots", "maxmem"}:
            raise UsageError(f"-m {key} is not modelled: memory cannot be hot-plugged here")
        if key != "size":
            raise UsageError(f"Parameter 'memory.{key.partition('.')[0]}' is unexpected")
    text = given.get("size")
    if text is None:
        return None
    if not text:
        raise UsageError("missing 'size' option value")
    size = parse_size(f"{text}M" if text[-1].isdigit() else text)
    if size is None:
        raise UsageError("Parameter 'memory.size' expects size")
    return _checked(size, f"-m {text}")


def _checked(size: int, option: str) -> int:
    if not MIN_RAM <= size <= MAX_RAM:
        raise UsageError(f"{option}: the size of RAM must be between 64 MiB and 255 GiB")
    return size


def _cpu_model(text: str, models: Collection[str]) -> str:
    """The model that `-cpu MODEL[,PROPERTY=VALUE...]` names."""
    if text in {"help", "?"}:
        raise Exit("".join(["Available CPUs:\n", *(f"  {model}\n" for model in sorted(models))]))
    if not text:
        raise UsageError("-cpu option cannot be empty")
    name = text.partition(",")[0]
    if name not in models:
        raise UsageError(f"unable to find CPU model '{name}'")
    return name


def _cpu_properties(text: str) -> Iterator[tuple[str, str]]:
    """The properties that it names, in their order; a comma can't be part of a value here."""
    for part in text.split(",")[1:]:
        name, sign, value = part.partition("=")
        if part and not sign:
            raise UsageError(f"Expected key=value format, found {part}.")
        if part:
            yield name, value


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


def _system_suspend(text: str) -> bool:
    return switch("x-system-suspend", text)


def _accelerators(text: str) -> bool:
    for name in text.split(":"):
        if name not in ACCELERATORS:
            raise UsageError(f"invalid accelerator {name}")
    return True


PROPERTIES: Mapping[str, Callable[[str], int]] = {
    "gic-version": _gic_version,
    "acpi": _acpi,
    "highmem-redists": lambda text: switch("highmem-redists", text),
    "accel": _accelerators,
    "x-system-suspend": _system_suspend,
}
"""The properties of `-machine` that mean something here."""


def _check_property(key: str, text: str) -> None:
    if key in UNMODELLED:
        raise UsageError(f"-machine {key}={text} is not modelled")
    if key not in MACHINE_SWITCHES:
        raise UsageError(f"Property '{MACHINE}-machine.{key}' not found")
    if switch(key, text) not in MACHINE_SWITCHES[key]:
        raise UsageError(f"-machine {key}={text} is not modelled")
