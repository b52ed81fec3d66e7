"""A daemon without sockets: the real session, commands, events and machine, on a stepped clock.

`Box` is what a client sees: bytes in, decoded messages out. Time passes only in `settle`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from daemon.commands import COMMANDS, EVENTS
from daemon.config import SERIAL, DaemonConfig, backend_sizes
from daemon.context import Context
from daemon.dispatch import Dispatcher
from daemon.events import EventBridge
from daemon.options.table import parse
from daemon.serial import SerialPort
from daemon.server import Server
from daemon.stage import Stage
from daemon.timekeeping import stepped
from daemon.unfinished import Unfinished
from daemon.version import VERSION
from machine.clock import VirtualClock
from machine.config import MachineConfig
from machine.planned import PlannedMachine
from machine.topology import Topology
from machine.trace import Trace
from machine.virt import VirtMachine
from protocol.greeting import Greeting
from protocol.session import Reply, Session

FLAT = Topology(cpus=2, sockets=1, clusters=1, cores=6, threads=1)
"""2 of 6 CPUs: the machine of most recordings."""

if TYPE_CHECKING:
    from collections.abc import Mapping

    from daemon.chardev.backend import Backend


def _first(config: DaemonConfig, trace: Trace) -> VirtMachine | PlannedMachine:
    """The machine, or its plan, as the daemon has it at first."""
    if not config.preconfig:
        return VirtMachine(config.machine, trace)
    planned = replace(config.machine, paused=True)
    return PlannedMachine(planned, trace, config.numa, backend_sizes(config.objects))


def _completed(answer: bytes | Unfinished) -> bytes:
    """The reply to a request, however many turns it takes."""
    while isinstance(answer, Unfinished):
        answer = answer.proceed()
    return answer


class Box:
    """One machine and one client, negotiated unless it is told not to."""

    def __init__(
        self,
        config: MachineConfig | DaemonConfig | None = None,
        *,
        boot: bool = True,
        negotiate: bool = True,
    ) -> None:
        if not isinstance(config, DaemonConfig):
            config = DaemonConfig(machine=config or MachineConfig(topology=FLAT))
        self._paused = config.machine.paused
        trace = Trace(VirtualClock())
        self.stage = Stage(_first(config, trace))
        self.stage.on_created = self._created
        keeping = stepped(trace.clock, config.machine.rtc_base)
        self.runner = keeping.runner
        self.ended = False
        self.aborted = False
        self.context = Context(
            self.stage,
            self.runner,
            COMMANDS,
            EVENTS,
            on_end=self._end,
            on_abort=self._abort,
            thread_id=4711,
            chardevs=self._chardevs(),
            clock=config.clock,
            stepping=keeping.stepping if config.clock.stepped else None,
        )
        self.context.objects.serve(self.stage.current)
        self.context.objects.create_all(config.objects)
        self.session = Session(COMMANDS, Greeting.of(VERSION), require=self.stage.require)
        self._dispatch = Dispatcher(self.context)
        self._lines: list[bytes] = []
        self.listeners = [self._lines.append]
        self._bridge = EventBridge(
            self.context, self._broadcast, now=keeping.now, alarm=keeping.alarm
        )
        self.context.follow_run_state()
        if negotiate:
            self.ask("qmp_capabilities")
        if boot:
            self.settle()

    @property
    def machine(self) -> VirtMachine:
        """The machine, once it has been created."""
        return self.stage.machine

    def close(self) -> None:
        """Give the machine's memory back."""
        self.stage.current.close()

    def _created(self, machine: VirtMachine) -> None:
        """As the daemon does it, but that the guest does not boot before `settle`."""
        self.context.objects.serve(machine)
        self._serial.connect(machine.uart)
        self._bridge.follow(machine)
        if not self._paused:
            machine.cont()

    def send(self, data: bytes) -> list[dict[str, Any]]:
        """Give bytes to the session; what came back, replies and events in their order."""
        self._take(data)
        return self.received()

    def lines(self, data: bytes) -> list[bytes]:
        """Give bytes to the session; what came back, as it stands on the wire."""
        self._take(data)
        lines, self._lines[:] = list(self._lines), []
        return lines

    def ask(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        """Execute one command; its reply, whatever events came with it."""
        wire = {key.replace("_", "-"): value for key, value in arguments.items()}
        answers = self.send(json.dumps({"execute": name, "arguments": wire}).encode())
        return next(answer for answer in answers if "event" not in answer)

    def returned(self, name: str, /, **arguments: Any) -> Any:
        """Execute one command that is to succeed; what it returned."""
        answer = self.ask(name, **arguments)
        assert "return" in answer, answer
        return answer["return"]

    def settle(self) -> list[dict[str, Any]]:
        """Let time pass until nothing is due; the events that came."""
        self.runner.run_until_idle()
        return self.received()

    def _take(self, data: bytes) -> None:
        for item in self.session.receive_data(data):
            if isinstance(item, Reply):
                self._lines.append(item.data)
            else:
                self._lines.append(_completed(self._dispatch(self.session, item)))

    def received(self) -> list[dict[str, Any]]:
        """What has come since this was last asked."""
        lines, self._lines[:] = list(self._lines), []
        return [json.loads(line) for line in lines]

    def _chardevs(self) -> Mapping[str, Backend]:
        """The devices that a daemon has without any option; nobody has opened them."""
        config = parse([])
        server = Server(config.chardevs, config.monitors, lambda monitor: monitor.open())
        self._serial = SerialPort(server.device(SERIAL), self.runner)
        self._serial.opened()
        if self.stage.planned is None:
            self._serial.connect(self.machine.uart)
        return server.chardevs

    def _broadcast(self, line: bytes) -> None:
        for listener in self.listeners:
            listener(line)

    def _end(self) -> None:
        self.ended = True

    def _abort(self) -> None:
        self.aborted = True
        self.runner.close()
