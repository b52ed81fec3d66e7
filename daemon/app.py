"""One machine and everything around it: monitors, time, MQTT, trace; its start and its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from daemon.abort import abort
from daemon.chardev.errors import ChardevError
from daemon.chardev.qom import mount
from daemon.commands import COMMANDS, EVENTS
from daemon.config import backend_sizes
from daemon.context import Context
from daemon.events import EventBridge
from daemon.objects.store import Objects
from daemon.pidfile import Pidfile, PidfileError
from daemon.serial import SerialPort
from daemon.server import Server
from daemon.sessions import Sessions, connection
from daemon.stage import Stage
from daemon.timekeeping import seconds, timekeeping
from machine.clock import VirtualClock
from machine.errors import MachineError
from machine.numa import warnings
from machine.runstate import RunState
from machine.trace import Trace
from machine.virt import VirtMachine
from protocol.errors import QmpError

if TYPE_CHECKING:
    from daemon.config import DaemonConfig
    from daemon.connection import Connection
    from daemon.monitor import Monitor
    from daemon.mqtt import MqttPublisher
    from daemon.recording.recorder import Recorder
    from daemon.runner import Runner
    from daemon.sessions import Carry
    from daemon.stepped import SteppedRunner
    from daemon.timekeeping import AnyTimekeeping
    from machine.config import MachineConfig
    from machine.planned import PlannedMachine

log = logging.getLogger(__name__)

BOOT_TIME = 1_000_000_000
"""ns of virtual time that a guest is given to boot before the monitors listen."""


class StartError(Exception):
    """The daemon can't start as asked; the text is one line."""


class App:
    """A daemon's life.

    Args:
        config: what was asked for.
        loop: the event loop that all of it runs on.

    Raises:
        StartError: where the machine can't be built as asked.
    """

    def __init__(self, config: DaemonConfig, *, loop: asyncio.AbstractEventLoop) -> None:
        self._config = config
        self._ended = asyncio.Event()
        self._resources = contextlib.ExitStack()
        trace = Trace(VirtualClock())
        self._trace_to(trace)
        rtc_base = seconds(config.rtc, stepped=config.clock.stepped)
        keeping = self._timekeeping(trace.clock, rtc_base, loop)
        self._record = self._recorder(config, trace.clock)
        if self._record is not None:
            self._record.begin(config, rtc_base, keeping.thread_id)
        self.runner: Runner | SteppedRunner = keeping.runner
        try:
            self.stage = Stage(self._first(config, trace, rtc_base))
            self._resources.callback(self._close_machine)
            objects = self._create_objects()
            self.server = Server(config.chardevs, config.monitors, self._connect, tls=objects)
            mount(self.stage.current.qom, self.server.chardevs)
            self._serial = self._connect_serial(config.serial)
        except (MachineError, ChardevError, QmpError) as error:
            self._resources.close()
            raise StartError(str(error)) from None
        self.context = Context(
            self.stage,
            self.runner,
            COMMANDS,
            EVENTS,
            on_end=self._end,
            on_abort=self._abort,
            chardevs=self.server.chardevs,
            objects=objects,
            thread_id=keeping.thread_id,
            clock=config.clock,
            stepping=keeping.stepping,
        )
        self._resources.callback(self.context.fdsets.close)
        self.mqtt = _publisher(config)
        self._bridge = EventBridge(
            self.context,
            self.server.broadcast,
            publisher=self.mqtt,
            now=keeping.now,
            alarm=keeping.alarm,
        )
        self._sessions = Sessions(self.context, self.runner, self._carrier())
        self._clients_came = False
        self.stage.on_created = self._created

    @property
    def machine(self) -> VirtMachine:
        """The machine, once it has been created."""
        return self.stage.machine

    async def start(self) -> None:
        """Listen; the machine's guest is up by then, unless it is to wait.

        Raises:
            StartError: where a monitor or the pidfile can't be had; nothing is left behind.
        """
        self._warn()
        self._boot_guest()
        try:
            await self._open_devices()
            if self._serial is not None:
                self._serial.opened()
            if self._config.pidfile is not None:
                self._resources.enter_context(
                    contextlib.closing(Pidfile(self._config.pidfile)),
                )
        except (ChardevError, PidfileError) as error:
            await self.server.close()
            self._resources.close()
            raise StartError(str(error)) from None

    async def _open_devices(self) -> None:
        """Let the character devices listen and connect out; an end that comes first cuts it short.

        Raises:
            ChardevError: one of them cannot be.
        """
        opening = asyncio.ensure_future(self.server.start())
        ended = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait((opening, ended), return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
            opening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await opening

    async def run(self) -> int:
        """Serve until the machine ends, then end everything, in order; gives the exit status."""
        tasks = [asyncio.create_task(self._start_machine()), *self._publish()]
        try:
            await self._ended.wait()
        finally:
            tasks[0].cancel()
            await self._close(tasks)
        return self.stage.current.exit_status

    async def _close(self, tasks: list[asyncio.Task[None]]) -> None:
        """End everything; what fails meanwhile does not keep the rest open."""
        with self._resources:
            self.runner.close()
            await self.server.close()
            if self.mqtt is not None:
                await self.mqtt.close()
            await asyncio.gather(*tasks, return_exceptions=True)

    def end_by_signal(self) -> None:
        """SIGTERM or SIGINT: end the machine as from outside."""
        if self._record is not None:
            self._record.signal()
        self.stage.current.shutdown("host-signal")

    async def _start_machine(self) -> None:
        await self.server.wait_for_clients()
        if self._record is not None:
            self._record.start()
        self.clients_came()

    def clients_came(self) -> None:
        """Start the machine, as nobody is waited for any more."""
        self._clients_came = True
        self._let_run()
        self.context.follow_run_state()

    def _let_run(self) -> None:
        """Start the machine, once it is there, and nobody is waited for, unless it is to wait."""
        if self.stage.planned is not None or not self._clients_came or self._config.machine.paused:
            return
        if self.machine.run_state is RunState.PRELAUNCH:
            self.machine.cont()

    def _created(self, machine: VirtMachine) -> None:
        """A client has had the machine created: it takes the place of its plan."""
        self.context.objects.serve(machine)
        mount(machine.qom, self.server.chardevs)
        if self._serial is not None:
            self._serial.connect(machine.uart)
        self._bridge.follow(machine)
        self._warn()
        if self.mqtt is not None:
            self._bridge.publish_all()
        self._let_run()
        self._boot_guest()

    def _publish(self) -> list[asyncio.Task[None]]:
        if self.mqtt is None:
            return []
        self._bridge.publish_all()
        publishing = asyncio.create_task(self.mqtt.run())
        publishing.add_done_callback(_tell_failure)
        return [publishing]

    def _create_objects(self) -> Objects:
        objects = Objects()
        objects.serve(self.stage.current)
        objects.create_all(self._config.objects)
        return objects

    def _connect_serial(self, label: str | None) -> SerialPort | None:
        if label is None:
            return None
        device = self.server.device(label)
        port = (
            SerialPort(device, self.runner)
            if self._record is None
            else self._record.serial(device, self.runner)
        )
        if self.stage.planned is None:
            port.connect(self.machine.uart)
        return port

    def _connect(self, monitor: Monitor) -> Connection[Any]:
        """A client has come to a monitor."""
        return self._sessions.open(monitor)

    def _abort(self) -> None:
        """A failed assertion ends the process."""
        abort()

    def _end(self) -> None:
        """The machine has ended: answer what is being answered, and nothing more."""
        self.server.finish()
        self._ended.set()

    def _carrier(self) -> Carry:
        """What makes the connections of clients."""
        return connection if self._record is None else self._record.connection

    def _recorder(self, config: DaemonConfig, clock: VirtualClock) -> Recorder | None:
        """What writes a recording, if one was asked for.

        Raises:
            StartError: its file can't be written.
        """
        if config.record is None:
            return None
        from daemon.recording.recorder import Recorder  # noqa: PLC0415 - few record

        try:
            recorder = Recorder(config.record, clock)
        except OSError as error:
            self._resources.close()
            raise StartError(f"could not open '{config.record.path}': {error.strerror}") from None
        self._resources.callback(recorder.close)
        return recorder

    def _timekeeping(
        self, clock: VirtualClock, rtc_base: int, loop: asyncio.AbstractEventLoop
    ) -> AnyTimekeeping:
        return timekeeping(self._config, clock, rtc_base, loop)

    def _first(
        self, config: DaemonConfig, trace: Trace, rtc_base: int
    ) -> VirtMachine | PlannedMachine:
        """The machine, or its plan, if a client is to have it created.

        Raises:
            MachineError: it can't be built as asked.
        """
        if not config.preconfig:
            return VirtMachine(self._at_first(config, rtc_base), trace)
        from machine.planned import PlannedMachine  # noqa: PLC0415 - few are planned

        planned = replace(config.machine, paused=True, rtc_base=rtc_base)
        return PlannedMachine(planned, trace, config.numa, backend_sizes(config.objects))

    def _close_machine(self) -> None:
        self.stage.current.close()

    @staticmethod
    def _at_first(config: DaemonConfig, rtc_base: int) -> MachineConfig:
        """The machine until clients that are waited for have come: it stands still."""
        waits = any(getattr(device, "wait", False) for device in config.chardevs)
        paused = waits or config.machine.paused
        return replace(config.machine, paused=paused, rtc_base=rtc_base)

    def _boot_guest(self) -> None:
        """Let the guest boot before anyone can ask for anything.

        A request that comes while it boots finds no driver for its interrupt, and is not reported
        until the next one; a client that has just started the daemon need not know that.
        """
        if self.stage.current.running:
            clock = self.machine.clock
            clock.run_until_idle(clock.now + BOOT_TIME)

    def _warn(self) -> None:
        if self.stage.planned is not None:
            return
        config = self.machine.config
        if config.numa is not None:
            for text in warnings(config.numa, config.topology):
                log.warning("warning: %s", text)
        if not self.machine.has_hotpluggable_cpus:
            log.warning(
                "warning: cpu hotplug feature has been disabled: "
                "it needs gic-version=3, and no tcg,thread=single",
            )

    def _trace_to(self, trace: Trace) -> None:
        if self._config.trace is None:
            return
        from daemon.trace.writer import open_trace  # noqa: PLC0415 - few want one

        try:
            writer = open_trace(self._config.trace)
        except OSError as error:
            raise StartError(f"could not open '{self._config.trace}': {error.strerror}") from None
        self._resources.callback(writer.close)
        trace.listen(writer)


def _tell_failure(publishing: asyncio.Task[None]) -> None:
    """Say that nothing is published any more, and why."""
    if not publishing.cancelled() and publishing.exception() is not None:
        log.error("MQTT: nothing is published any more: %r", publishing.exception())


def _publisher(config: DaemonConfig) -> MqttPublisher | None:
    """MQTT, if it was asked for; if not, the start is not slowed by importing its client."""
    if config.mqtt is None:
        return None
    from daemon.mqtt import MqttPublisher  # noqa: PLC0415 - see above

    return MqttPublisher(config.mqtt, config.machine.name)
