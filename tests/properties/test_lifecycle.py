"""A guest with a will of its own: its user ejects, refuses, reboots and sleeps meanwhile.

A client plugs and unplugs, stops, resets and wakes; the guest's user does what he likes at the same
time. Each removal that a client asked for ends in exactly one event, DEVICE_DELETED or
DEVICE_UNPLUG_GUEST_ERROR, unless the guest's user was faster. The layers agree all the time.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from machine.config import MachineConfig
from machine.guest.behaviour import Behaviour
from machine.kvm.vcpu import MpState
from machine.topology import Topology
from tests.box import Box
from tests.properties.layers import Birth, check_answered, check_layers

if TYPE_CHECKING:
    from machine.guest.kernel import Kernel

CORES = 5
BOOT = 2
CPU = "/sys/devices/system/cpu"
cores = st.integers(0, CORES - 1)
ENDS = ("DEVICE_DELETED", "DEVICE_UNPLUG_GUEST_ERROR")


class Lifecycle(RuleBasedStateMachine):
    """A client, and a user of the guest."""

    @initialize(paused=st.booleans())
    def start(self, paused: bool) -> None:  # noqa: FBT001 - drawn
        topology = Topology(BOOT, 1, 1, CORES, 1)
        self.box = Box(
            MachineConfig(topology, ram_size=64 << 20, paused=paused, system_suspend=True),
            boot=False,
        )
        self.machine = self.box.machine
        self.birth = Birth(self.machine)
        self.asked: set[str] = set()

    def teardown(self) -> None:
        if hasattr(self, "box"):
            self.box.close()

    # What is said, and what comes back

    def ask(self, name: str, **arguments: Any) -> dict[str, Any]:
        request = {"execute": name, "arguments": arguments}
        messages = self.box.send(json.dumps(request).encode())
        self.take(messages)
        (reply,) = [message for message in messages if "event" not in message]
        return reply

    def take(self, messages: list[dict[str, Any]]) -> None:
        """An end of what was asked for is told once, and a refusal only to who has asked."""
        for message in messages:
            name = message.get("event")
            if name not in ENDS:
                continue
            device = message["data"]["device"]
            assert name == "DEVICE_DELETED" or device in self.asked
            self.asked.discard(device)

    # The client

    @rule(core=cores)
    def plug(self, core: int) -> None:
        there = self.machine.slots[core].cpu is not None
        reply = self.ask("device_add", driver="cortex-a72-arm-cpu", id=f"c{core}", **at(core))
        assert ("error" in reply) is there

    @rule(core=cores)
    def unplug(self, core: int) -> None:
        there = core >= BOOT and self.machine.slots[core].cpu is not None
        if there:
            self.asked.add(f"c{core}")
        assert ("error" in self.ask("device_del", id=f"c{core}")) is not there

    @rule(verb=st.sampled_from(["stop", "cont", "system_reset"]))
    def command(self, verb: str) -> None:
        assert self.ask(verb) == {"return": {}}

    @rule()
    def wake_up(self) -> None:
        sleeps = self.machine.run_state.value == "suspended"
        assert ("error" in self.ask("system_wakeup")) is not sleeps

    # The guest's user

    @rule(core=cores, online=st.booleans())
    def put_online_or_offline(self, core: int, online: bool) -> None:  # noqa: FBT001 - drawn
        self.ask("x-guest-write", path=f"{CPU}/cpu{core}/online", data=str(int(online)))

    @rule(core=cores)
    def eject(self, core: int) -> None:
        path = f"/sys/bus/acpi/devices/ACPI0007:{core:02x}/eject"
        self.ask("x-guest-write", path=path, data="1")

    @rule(cpus=st.frozensets(cores))
    def isolate(self, cpus: frozenset[int]) -> None:
        self.machine.will.behaviour = Behaviour(isolated=cpus)

    @rule()
    def sleep(self) -> None:
        self.ask("x-guest-suspend")

    @rule()
    def reboot(self) -> None:
        self.ask("x-guest-write", path="/proc/sysrq-trigger", data="b")

    # Time

    @rule(steps=st.integers(1, 40))
    def let_a_little_time_pass(self, steps: int) -> None:
        self.box.runner.advance(steps * 700)
        self.take(self.box.received())

    @rule()
    def let_the_guest_finish(self) -> None:
        self.take(self.box.settle())
        if not self.machine.running:
            return
        check_answered(self.machine)
        assert not self.asked
        kernel = self.kernel
        assert kernel is not None
        for slot in self.machine.slots:
            cpu = kernel.by_uid[slot.index]
            assert cpu.enabled is (slot.cpu is not None)
            assert cpu.online is (slot.vcpu.mp_state is MpState.RUNNABLE)
            assert not cpu.online or cpu.enabled
            assert not cpu.tasks
        assert kernel.online_cpus()

    @property
    def kernel(self) -> Kernel | None:
        return self.machine.power.kernel

    # What always holds

    @invariant()
    def layers_agree(self) -> None:
        if hasattr(self, "machine"):
            check_layers(self.machine)
            self.birth.check(self.machine)


def at(core: int) -> dict[str, int]:
    return {"core-id": core}


TestLifecycle = Lifecycle.TestCase
TestLifecycle.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
