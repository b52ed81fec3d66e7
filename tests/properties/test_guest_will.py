"""A guest that does whatever it is made to do: it never breaks, and recovers.

Stages of all kinds come and go, behaviours change, delays are cut off by resets and users. The
layers agree all the time; once nothing is made to go wrong any more, every CPU comes and goes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from machine.config import MachineConfig
from machine.faults.stage import Stage
from machine.faults.table import EVENTS
from machine.guest.behaviour import Behaviour, KernelKind, OnlinePolicy
from machine.guest.smp import SystemState
from machine.topology import Topology
from tests.machine.board import Board
from tests.properties.layers import Birth, check_answered, check_layers, check_settled

if TYPE_CHECKING:
    from machine.guest.kernel import Kernel

MS = 1_000_000
BOOT, CORES = 2, 5
CPU = "/sys/devices/system/cpu"
cores = st.integers(0, CORES - 1)
hot = st.integers(BOOT, CORES - 1)
delays = st.sampled_from([0, 0, 1, 20, 300, 6000]).map(lambda ms: ms * MS)


@st.composite
def stages(draw: st.DrawFn) -> Stage:
    when = draw(st.sampled_from(["device-check", "eject-request", "boot"]))
    return Stage(
        when,
        draw(st.sampled_from(list(EVENTS[when].outcomes))),
        cpu=draw(st.none() | cores) if EVENTS[when].cpu else None,
        delay=draw(delays),
        probability=draw(st.sampled_from([1.0, 1.0, 0.5])),
        count=draw(st.none() | st.integers(1, 2)),
    )


behaviours = st.builds(
    Behaviour,
    kernel=st.sampled_from([KernelKind.HOTPLUG, *KernelKind]),
    online=st.sampled_from(OnlinePolicy),
    online_delay=delays,
    isolated=st.frozensets(cores, max_size=2),
    load=st.sampled_from([0.0, 0.5]),
    speed=st.sampled_from([None, 1.0, 10.0]),
    boot_time=delays,
)


class Wilful(RuleBasedStateMachine):
    """A client, a user of the guest, and somebody who makes things go wrong."""

    @initialize(behaviour=behaviours)
    def start(self, behaviour: Behaviour) -> None:
        topology = Topology(BOOT, 1, 1, CORES, 1)
        self.board = Board(
            MachineConfig(topology, ram_size=64 << 20, behaviour=behaviour, system_suspend=True)
        )
        self.machine = self.board.machine
        self.birth = Birth(self.machine)

    def teardown(self) -> None:
        if hasattr(self, "board"):
            self.machine.close()

    @rule(stage=stages())
    def make_something_go_otherwise(self, stage: Stage) -> None:
        faults = self.machine.faults
        faults.inject(replace(stage, name=faults.free_name("made")))

    @rule()
    def let_all_be_well(self) -> None:
        self.machine.faults.clear()

    @rule(behaviour=behaviours)
    def behave(self, behaviour: Behaviour) -> None:
        self.machine.will.behaviour = behaviour

    @rule(core=hot)
    def plug(self, core: int) -> None:
        if self.machine.slots[core].cpu is None:
            self.board.add(core, f"c{core}")

    @rule(core=hot)
    def unplug(self, core: int) -> None:
        if self.machine.slots[core].cpu is not None:
            self.machine.device_del(f"c{core}")

    @rule()
    def reset(self) -> None:
        self.machine.system_reset()

    def _write(self, path: str, text: str) -> None:
        kernel = self.machine.power.kernel
        if kernel is not None and kernel.system_state is SystemState.RUNNING:
            self.machine.power.guest_write(path, text)

    @rule(core=cores, online=st.booleans())
    def put_online_or_offline(self, core: int, online: bool) -> None:  # noqa: FBT001 - drawn
        self._write(f"{CPU}/cpu{core}/online", str(int(online)))

    @rule(core=hot)
    def eject(self, core: int) -> None:
        self._write(f"/sys/bus/acpi/devices/ACPI0007:{core:02x}/eject", "1")

    @rule(path=st.sampled_from(["/proc/sysrq-trigger b", "/sys/power/state mem"]))
    def reboot_or_sleep(self, path: str) -> None:
        self._write(*path.split())

    @rule()
    def wake_up(self) -> None:
        if self.machine.run_state.value == "suspended":
            self.machine.system_wakeup()

    @rule(ms=st.sampled_from([0.0007, 0.0021, 0.5, 3, 40, 200, 2000]))
    def let_time_pass(self, ms: float) -> None:
        clock = self.machine.clock
        if self.machine.running:
            clock.advance_to(clock.now + round(ms * MS))

    @rule()
    def recover(self) -> None:
        """After a reboot with nothing left to go wrong, each CPU goes, and each comes."""
        self.machine.faults.clear()
        self.machine.will.behaviour = Behaviour()
        self.machine.system_reset()
        self.machine.cont()
        self.board.settle()
        self.check_that_each_cpu_comes_and_goes()

    @rule()
    def be_well_without_a_reboot(self) -> None:
        self.machine.faults.clear()
        self.machine.will.behaviour = Behaviour()
        self.wake_up()
        self.board.settle()
        kernel = self.machine.power.kernel
        if kernel is not None and self.hears(kernel):
            self.check_that_each_cpu_comes_and_goes()

    def hears(self, kernel: Kernel) -> bool:
        booted = kernel.system_state is SystemState.RUNNING
        return self.machine.running and booted and kernel.kind is KernelKind.HOTPLUG

    def check_that_each_cpu_comes_and_goes(self) -> None:
        for core in range(CORES):
            self._write(f"{CPU}/cpu{core}/online", "1")
        self.board.settle()
        for core in range(BOOT, CORES):
            self.unplug(core)
        self.board.settle()
        check_answered(self.machine)
        assert self.board.plugged() == [0, 1]
        for core in range(BOOT, CORES):
            self.plug(core)
        self.board.settle()
        check_settled(self.machine)
        assert not any(cpu.tasks or cpu.timers for cpu in self.kernel.cpus)

    @property
    def kernel(self) -> Kernel:
        kernel = self.machine.power.kernel
        assert kernel is not None
        return kernel

    @invariant()
    def layers_agree(self) -> None:
        if hasattr(self, "machine"):
            check_layers(self.machine)
            self.birth.check(self.machine)


TestWilful = Wilful.TestCase
TestWilful.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
