"""A machine with a client, without a daemon: what is asked and answered is told to its trace."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from daemon.sequence.story import Story, stories
from daemon.translate import wire_event
from machine.clock import VirtualClock
from machine.trace import Trace
from machine.virt import VirtMachine
from protocol.encode import encode_event

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine.config import MachineConfig
    from machine.events import MachineEvent
    from machine.trace import TracePoint


class Recorder:
    """Its guest is up; everything from the machine's creation on is recorded."""

    def __init__(self, config: MachineConfig) -> None:
        self._trace = Trace(VirtualClock())
        self.points: list[TracePoint] = []
        self._trace.listen(self.points.append)
        self.machine = VirtMachine(config, self._trace)
        self.machine.events.listen(self._tell)
        self.settle()

    def settle(self) -> None:
        """Wait until nothing happens any more."""
        self.machine.clock.run_until_idle()

    def ask(self, name: str, act: Callable[..., object], **arguments: Any) -> None:
        """A client's command, which succeeds, and all that follows."""
        self._trace("qmp", "handle_qmp_command", execute=name, args=json.dumps(arguments))
        act(arguments)
        self._trace("qmp", "monitor_qmp_respond", json='{"return": {}}')
        self.settle()

    def plug(self, core: int) -> None:
        """device_add."""
        self.ask(
            "device_add",
            self.machine.device_add,
            **{"driver": self.machine.cpu_typename, "id": f"core{core}", "core-id": core},
        )

    def unplug(self, core: int) -> None:
        """device_del."""
        self.ask("device_del", lambda args: self.machine.device_del(args["id"]), id=f"core{core}")

    def last(self) -> Story:
        """The last operation."""
        return stories(self.points)[-1]

    def _tell(self, event: MachineEvent) -> None:
        wire = wire_event(event)
        if wire is not None:
            line = encode_event(wire, *divmod(self._trace.clock.now // 1000, 1_000_000))
            self._trace("qmp", "monitor_qapi_event_emit", json=line.decode().strip())
