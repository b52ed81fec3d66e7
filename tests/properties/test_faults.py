"""Whatever goes wrong below the guest: nothing raises, and a machine without faults is whole again.

A client plugs, unplugs, stops, continues and resets, while stages are injected and cleared as they
come. Once all are cleared and the guest had its time, the layers agree, and each CPU can be taken
out and put back.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from daemon.translate import vcpu_info
from machine.config import MachineConfig
from machine.errors import MachineError
from machine.events import VcpuChanged
from machine.faults.stage import Stage
from machine.faults.table import ACTIONS, COMMAND, EVENTS, NOW
from machine.guest.smp import SystemState
from machine.runstate import RunState
from machine.topology import Topology
from tests.machine.board import Board
from tests.machine.faults.stages import MS, pass_time
from tests.properties.layers import Birth, check_layers, check_settled

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine.cpu import CpuSlot
    from machine.events import MachineEvent
    from machine.virt import VirtMachine

CORES, BOOT = 5, 2
ENDS = frozenset({"poweroff", "abort"})
"""What a machine does not come back from by a reset."""
MANY = 4
"""Stages before which there is nothing to recover from."""
cores = st.integers(0, CORES - 1)
delays = st.sampled_from([0, 1, 500, 20_000, 3 * MS, 200 * MS, 6000 * MS])


@st.composite
def stages(draw: st.DrawFn) -> Stage:
    """Any stage that there can be, but those that end the machine."""
    when = draw(st.sampled_from([name for name in EVENTS if name != COMMAND]))
    event = EVENTS[when]
    decides = bool(event.outcomes) and draw(st.booleans())
    do = draw(st.sampled_from(sorted(event.outcomes if decides else ACTIONS.keys() - ENDS)))
    is_action = do not in event.outcomes
    of_cpu, lasts = is_action and ACTIONS[do].cpu, is_action and ACTIONS[do].lasts
    targeted = of_cpu and (not event.cpu or draw(st.booleans()))
    return Stage(
        when=when,
        do=do,
        cpu=draw(st.sampled_from([None, None, 2])) if event.cpu else None,
        target=draw(cores) if targeted else None,
        delay=draw(delays) if is_action or event.delays else 0,
        probability=draw(st.sampled_from([1.0, 1.0, 0.5])),
        skip=draw(st.sampled_from([0, 0, 0, 1])) if when != NOW else 0,
        # An event that follows from what it causes is not to go on for ever.
        count=1 if when == NOW else draw(st.integers(1, 3)),
        duration=draw(st.none() | delays) if lasts else None,
    )


def recover(board: Board) -> None:
    """Let a machine go on; reset it where nothing else helps, as KVM or the guest is stuck."""
    machine = board.machine
    if machine.run_state is not RunState.INTERNAL_ERROR:
        machine.cont()
        board.settle()
        kernel = machine.power.kernel
        up = kernel is not None and kernel.system_state is SystemState.RUNNING
        if up and not (kernel and kernel.panicked):
            return
    machine.system_reset()
    machine.cont()
    board.settle()


def replug(board: Board, core: int) -> None:
    """Take a CPU out if it is there, put one in, take it out again."""
    name = f"c{core}"
    if board.slot(core).cpu is not None:
        board.unplug(name)
    board.plug(core, name)
    assert core in board.online()
    board.unplug(name)
    assert core not in board.online()
    assert board.slot(core).cpu is None


class Shown:
    """What those have seen who look at a CPU whenever they are told to, as MQTT's publisher."""

    def __init__(self, machine: VirtMachine) -> None:
        self._machine = machine
        self._states = [self._state(slot) for slot in machine.slots]
        machine.events.listen(self._look)

    def _look(self, event: MachineEvent) -> None:
        if isinstance(event, VcpuChanged):
            self._states[event.index] = self._state(self._machine.slots[event.index])

    def _state(self, slot: CpuSlot) -> tuple[object, ...]:
        info = vcpu_info(self._machine, slot)
        return info.kvm.state, info.psci, info.vmm

    def check(self) -> None:
        assert self._states == [self._state(slot) for slot in self._machine.slots]


class Faulty(RuleBasedStateMachine):
    """A client, and somebody who wants things to fail."""

    @initialize(paused=st.booleans(), seed=st.integers(0, 3))
    def start(self, paused: bool, seed: int) -> None:  # noqa: FBT001 - drawn
        topology = Topology(BOOT, 1, 1, CORES, 1)
        config = MachineConfig(topology, ram_size=64 << 20, paused=paused, seed=seed)
        self.board = Board(config)
        self.machine = self.board.machine
        self.birth = Birth(self.machine)
        self.shown = Shown(self.machine)
        self.stages = 0

    def teardown(self) -> None:
        if hasattr(self, "board"):
            self.machine.close()

    # What may fail, and who makes it

    @rule(core=cores)
    def plug(self, core: int) -> None:
        before = self.board.state()
        try:
            self.board.add(core, f"c{core}")
        except MachineError:
            assert self.board.state() == before

    @rule(core=cores)
    def unplug(self, core: int) -> None:
        before = self.board.state()
        try:
            self.machine.device_del(f"c{core}")
        except MachineError:
            assert self.board.state() == before

    @rule()
    def stop(self) -> None:
        self.machine.stop()

    @rule()
    def cont(self) -> None:
        failed = self.machine.run_state is RunState.INTERNAL_ERROR
        try:
            self.machine.cont()
        except MachineError:
            assert failed
        else:
            assert not failed

    @rule()
    def reset(self) -> None:
        self.machine.system_reset()

    @rule(given=st.lists(stages(), min_size=1, max_size=4))
    def inject(self, given: list[Stage]) -> None:
        for stage in given:
            self.stages += 1
            self.machine.faults.inject(replace(stage, name=f"s{self.stages}"))

    @rule(data=st.data())
    def clear(self, data: st.DataObject) -> None:
        armed = [each.stage.name for each in self.machine.faults.armed()]
        if armed:
            self.machine.faults.clear(data.draw(st.sampled_from(armed)))

    def clear_all(self) -> None:
        self.stages = 0
        self.machine.faults.clear()

    # Time

    @rule(ns=st.sampled_from([700, 5_000, 50_000, MS, 100 * MS, 5000 * MS]))
    def let_time_pass(self, ns: int) -> None:
        pass_time(self.board, ns)

    @rule(core=cores, ns=st.sampled_from([50_000, 100 * MS, 6000 * MS]))
    def plug_or_unplug_in_a_machine_that_runs(self, core: int, ns: int) -> None:
        """What most clients do most of the time."""
        if self.machine.run_state is RunState.INTERNAL_ERROR:
            self.machine.system_reset()
        self.machine.cont()
        pass_time(self.board, MS)
        if self.machine.slots[core].cpu is None:
            self.plug(core)
        else:
            self.unplug(core)
        pass_time(self.board, ns)

    @precondition(lambda self: self.stages >= MANY)
    @rule()
    def recover(self) -> None:
        """Clear everything, and begin anew: all is whole."""
        self.clear_all()
        self.machine.system_reset()
        self.machine.cont()
        self.board.settle()
        check_settled(self.machine)
        for core in range(BOOT, CORES):
            replug(self.board, core)
        check_settled(self.machine)

    @precondition(lambda self: self.stages >= MANY)
    @rule()
    def recover_without_a_reset(self) -> None:
        """Clear everything: each CPU can be taken out, and plugged again."""
        self.clear_all()
        recover(self.board)
        for core in range(BOOT, CORES):
            replug(self.board, core)

    @invariant()
    def layers_agree(self) -> None:
        if hasattr(self, "machine"):
            check_layers(self.machine)
            self.birth.check(self.machine)
            self.shown.check()


TestFaulty = Faulty.TestCase
TestFaulty.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def a_day_in_the_life_of(board: Board, pause: int) -> None:
    """What can go wrong in it goes wrong; `pause` ns pass between two requests."""
    requests: list[Callable[[], None]] = [
        lambda: board.add(2, "c2"),
        lambda: board.add(3, "c3"),
        lambda: board.machine.device_del("c2"),
        board.machine.stop,
        lambda: board.add(4, "c4"),
        board.machine.cont,
        lambda: board.machine.device_del("c3"),
        board.machine.system_reset,
        board.machine.cont,
        lambda: board.machine.device_del("c4"),
        lambda: board.add(2, "c2"),
    ]
    for request in requests:
        with suppress(MachineError):
            request()
        pass_time(board, pause)


@given(given_stages=st.lists(stages(), min_size=1, max_size=6), pause=delays)
@settings(max_examples=150, deadline=None)
def test_after_a_day_of_faults_every_cpu_can_be_plugged_and_unplugged(
    given_stages: list[Stage], pause: int
) -> None:
    named = tuple(replace(stage, name=f"s{n}") for n, stage in enumerate(given_stages))
    topology = Topology(BOOT, 1, 1, CORES, 1)
    board = Board(MachineConfig(topology, ram_size=64 << 20, stages=named))
    birth = Birth(board.machine)
    shown = Shown(board.machine)
    a_day_in_the_life_of(board, pause)
    shown.check()
    check_layers(board.machine)
    board.machine.faults.clear()
    recover(board)
    for core in range(BOOT, CORES):
        replug(board, core)
    check_layers(board.machine)
    birth.check(board.machine)
    board.machine.close()
