"""A machine that has been asked for, and not been created yet (QEMU: `--preconfig`).

What its options say is there: clients may look at the possible CPUs, say which NUMA nodes they
belong to, and then have the machine created. There is neither memory nor a CPU so far.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from machine.cpu import PossibleCpu
from machine.cpu_models import CPU_MODELS
from machine.events import EventSink, ShutdownRequested
from machine.numa_draft import NumaDraft
from machine.qom.board import MACHINE_NODE
from machine.qom.machine import MachineOwn
from machine.qom.node import Node, container
from machine.qom.tree import QomTree
from machine.runstate import RunState
from machine.virt import VirtMachine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from machine.config import MachineConfig
    from machine.numa_draft import NumaOption
    from machine.trace import Trace


class NoFaults:
    """There is nothing yet that could go otherwise."""

    on = False


class PlannedMachine:
    """What there is of a machine before it is created.

    Args:
        config: the machine, but for its NUMA nodes.
        trace: the machine's; it brings the clock.
        options: what was said of the nodes so far, in its order.
        backends: the memory backends that there are: ids, and sizes in bytes.

    Raises:
        MachineError: one of the options is refused.
    """

    running = False
    """Whether the clock may advance: not before there is something that it would move."""
    faults = NoFaults()

    def __init__(
        self,
        config: MachineConfig,
        trace: Trace,
        options: Iterable[NumaOption] = (),
        backends: Mapping[str, int] | None = None,
    ) -> None:
        self.config = config
        self.trace = trace
        self.clock = trace.clock
        self.events = EventSink()
        self.run_state = RunState.PRELAUNCH
        self.actions = config.actions
        self.ended = False
        self.exit_status = 0
        self.has_hotpluggable_cpus = config.has_hotpluggable_cpus
        self.cpu_typename = CPU_MODELS[config.cpu_model].typename
        self.numa = NumaDraft(config.topology)
        for option in options:
            self.numa.apply(option, backends or {})
        self.qom = QomTree(MACHINE_NODE, self._node)
        self.qom.mount("objects", "container", container)

    @property
    def generation(self) -> tuple[str, int]:
        """What the list of possible CPUs depends on; never equal to a created machine's."""
        return "planned", self.numa.changes

    def hotpluggable_slots(self) -> Sequence[PossibleCpu]:
        """Every possible CPU, in ascending order.

        Raises:
            MachineError: where CPUs can't be plugged.
        """
        self.config.check_hotpluggable()
        locate, nodes = self.config.topology.location, self.numa.cpus
        return [
            PossibleCpu(index=index, location=locate(index), node_id=nodes.get(index))
            for index in range(self.config.possible_count)
        ]

    def uses_backend(self, id_: str) -> bool:
        """Whether RAM is to be in a memory backend."""
        return id_ == self.config.memory_backend or id_ in self.numa.backends

    def ram_layout(self) -> Iterator[tuple[str, int, int]]:
        """Which memory backend lies where: none does, so far."""
        return iter(())

    def create(self, backends: Mapping[str, int]) -> VirtMachine:
        """Create the machine.

        Args:
            backends: the memory backends that there are: ids, and sizes in bytes.

        Raises:
            MachineError: it can't be created so; nothing has changed then.
        """
        config = replace(self.config, actions=self.actions)
        numa = self.numa.complete(config.ram_size, config.memory_backend)
        return VirtMachine(config.with_nodes(numa, backends), self.trace)

    def shutdown(self, reason: str, *, guest: bool = False) -> None:
        """End before there was anything; once is enough."""
        if self.ended:
            return
        self.ended = True
        self.run_state = RunState.SHUTDOWN
        self.events.emit(ShutdownRequested(guest=guest, reason=reason))

    def close(self) -> None:
        """Give nothing back: there is nothing."""

    def _node(self) -> Node:
        """The object `/machine`: its options, and places for what is to come."""
        node = Node(MACHINE_NODE)
        node.groups.append(MachineOwn(self))
        for name in ("unattached", "peripheral", "peripheral-anon"):
            node.add(name, "container", container)
        return node
