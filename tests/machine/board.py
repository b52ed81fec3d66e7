"""A machine as a test asks for it: what it told is kept, and the common requests are short."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from machine.events import MachineEvent, VcpuChanged
from machine.topology import Topology
from machine.virt import VirtMachine

if TYPE_CHECKING:
    from machine.config import MachineConfig
    from machine.cpu import CpuSlot
    from machine.kvm.vcpu import Vcpu

CPU = "cortex-a72-arm-cpu"
SIX = Topology(2, 1, 1, 6, 1)
"""Two CPUs of six possible: the reference's recordings are of this machine."""

SMALL = 256 << 20
"""RAM in bytes: what every machine of these tests gets along with."""


class State(NamedTuple):
    """What a refused request must leave as it was."""

    plugged: tuple[tuple[int, str], ...]
    ids: tuple[str, ...]
    parked: tuple[int, ...]
    pending: frozenset[int]
    flags: tuple[int, ...]
    awaited: tuple[int, ...]


class Board:
    """One machine."""

    def __init__(self, config: MachineConfig) -> None:
        self.machine = VirtMachine(config)
        self.told: list[MachineEvent] = []
        self.machine.events.listen(self.told.append)

    def settle(self) -> None:
        """Let time pass until nothing is left to do, or the machine stands still."""
        clock = self.machine.clock
        while self.machine.running and (due := clock.next_deadline) is not None:
            clock.advance_to(due)

    def add(self, core: int, name: str | None = None, **properties: object) -> None:
        """device_add of a CPU; it does not wait for the guest."""
        given = {"driver": CPU, "core-id": core, **properties}
        self.machine.device_add(given if name is None else {**given, "id": name})

    def plug(self, core: int, name: str | None = None) -> None:
        """device_add of a CPU, to its end."""
        self.add(core, name)
        self.settle()

    def unplug(self, name: str) -> None:
        """device_del, to its end."""
        self.machine.device_del(name)
        self.settle()

    def write(self, path: str, text: str) -> int | None:
        """A user of the guest writes to a file of its kernel's; the answer, if there is one."""
        answers: list[int] = []
        self.machine.power.guest_write(path, text, answers.append)
        self.settle()
        return answers[0] if answers else None

    def story(self) -> list[MachineEvent]:
        """What was told since the last call, but for changes of a vCPU's state."""
        told: list[MachineEvent] = []
        told += [event for event in self.told if not isinstance(event, VcpuChanged)]
        self.told.clear()
        return told

    def slot(self, index: int) -> CpuSlot:
        """A possible CPU."""
        return self.machine.slots[index]

    def vcpu(self, index: int = 0) -> Vcpu:
        """The kernel's vCPU of a slot."""
        return self.machine.slots[index].vcpu

    def plugged(self) -> list[int]:
        """Numbers of the plugged CPUs, in the order of plugging."""
        return [slot.index for slot, _ in self.machine.cpus()]

    def parked(self) -> list[int]:
        """The parked pool, by vcpu id."""
        return sorted(self.machine.accel.parked)

    def online(self) -> list[int]:
        """The guest's online mask, by the numbers of the slots."""
        kernel = self.machine.power.kernel
        if kernel is None:
            return []
        return sorted(self.machine.by_affinity[cpu.mpidr].index for cpu in kernel.online_cpus())

    def state(self) -> State:
        """Everything that a refusal must not change."""
        machine = self.machine
        hotplug = machine.cpuhp
        return State(
            plugged=tuple((slot.index, cpu.path) for slot, cpu in machine.cpus()),
            ids=tuple(machine.plugger.ids),
            parked=tuple(self.parked()),
            pending=hotplug.pending if hotplug is not None else frozenset(),
            flags=tuple(cpu.flags for cpu in hotplug.cpus) if hotplug is not None else (),
            awaited=tuple(slot.index for slot, cpu in machine.cpus() if cpu.unplug_pending),
        )


class Make(Protocol):
    """The `boards` fixture."""

    def __call__(self, topology: Topology = ..., *, boot: bool = ..., **config: object) -> Board:
        """Build a machine and, if `boot`, let its guest come up; it forgets what it told."""
