"""What -machine, -cpu, -smp, -m, -name, -uuid and -device say, and the machine that they make.

As in QEMU, reading and meaning are two steps: options that name properties of the machine only
collect them (`-smp 4` is the property `smp.cpus` of `-machine`, `-m 1G` is `memory.size`), and a
later one overrides an earlier one; what they mean together is decided once all are read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from daemon.options.json_object import parse_object
from daemon.options.keyval import HelpRequest, parse_keyval, parse_opts
from daemon.options.machine_properties import (
    ACCELERATORS,
    MACHINE,
    MACHINE_GROUP,
    MACHINES,
    PROPERTIES,
    check_property,
)
from daemon.options.memory import MEMORY, read_ram_size
from daemon.options.parameters import Group, Parameter
from daemon.options.smp import SMP, read_max_cpus, read_mpidr, read_topology
from daemon.options.usage import Exit, UsageError
from machine.actions import Actions
from machine.config import MachineConfig
from machine.errors import MachineError
from machine.memory_backend import backend_id
from machine.topology import MAX_CPUS, Topology

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from machine.numa_draft import NumaDraft, NumaOption

NIL = UUID(int=0)
"""The UUID of a machine that was given none."""

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
    actions: Actions = field(default_factory=Actions)
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
        max_cpus = read_max_cpus(properties.pop("x-max-cpus", str(MAX_CPUS)))
        topology = read_topology(_take(properties, "smp."), max_cpus)
        mpidr = read_mpidr(properties.pop("x-mpidr", "kvm"), topology)
        backends = backends or {}
        memory_backend = properties.pop("memory-backend", None)
        ram_size = read_ram_size(_take(properties, "memory."), memory_backend, backends)
        known = {
            key: read(properties.pop(key)) for key, read in PROPERTIES.items() if key in properties
        }
        for key, value in properties.items():
            check_property(key, value)
        config = MachineConfig(
            topology=topology,
            cpu_model=_cpu_model(self.cpu, models),
            cpu_properties=tuple(_cpu_properties(self.cpu)),
            ram_size=ram_size,
            gic_version=known.get("gic-version") or 3,
            hotplug=not self.single_threaded,
            acpi=known.get("acpi", True) is not False,
            system_suspend=bool(known.get("x-system-suspend", False)),
            pvpanic=bool(known.get("x-pvpanic", False)),
            name=self.name,
            uuid=self.uuid,
            devices=tuple(self.devices),
            memory_backend=backend_id(memory_backend) if memory_backend else None,
            highmem_redists=known.get("highmem-redists", True) is not False,
            mpidr=mpidr,
            max_cpus=max_cpus,
            actions=self.actions,
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
    config: MachineConfig, draft: NumaDraft | None, backends: Mapping[str, int]
) -> MachineConfig:
    """The machine with its nodes.

    Raises:
        MachineError: they do not fit, or the machine's RAM has no name left.
    """
    numa = draft.complete(config.ram_size, config.memory_backend) if draft is not None else None
    return config.with_nodes(numa, backends)


def _keyval(text: str, group: Group) -> dict[str, str]:
    try:
        return parse_keyval(text, group.implied)
    except HelpRequest:
        raise Exit(group.help) from None


def _take(properties: dict[str, str], prefix: str) -> dict[str, str]:
    names = [key for key in properties if key.startswith(prefix)]
    return {key.removeprefix(prefix): properties.pop(key) for key in names}


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
