"""Random plug, unplug, reset, stop and cont over random topologies (hypothesis, stateful).

A model of a few lines says which CPUs must be plugged; after each step the layers of the machine
are held against one another and against the model. Nothing may be lost: every plug that was
accepted ends with the CPU online, every unplug that was accepted ends in one DEVICE_DELETED.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from machine.config import MachineConfig
from machine.topology import Topology
from tests.box import Box
from tests.properties.layers import Birth, check_layers, check_settled

DRIVER = "cortex-a72-arm-cpu"


@st.composite
def topologies(draw: st.DrawFn) -> Topology:
    levels = [draw(st.integers(1, most)) for most in (3, 2, 4, 2)]
    possible = levels[0] * levels[1] * levels[2] * levels[3]
    return Topology(draw(st.integers(1, possible)), *levels)


class Hotplug(RuleBasedStateMachine):
    """A client that does what it likes."""

    @initialize(topology=topologies(), paused=st.booleans())
    def start(self, topology: Topology, paused: bool) -> None:  # noqa: FBT001 - drawn
        self.box = Box(MachineConfig(topology=topology, ram_size=64 << 20, paused=paused))
        self.machine = self.box.machine
        self.topology = topology
        self.birth = Birth(self.machine)
        self.plugged: dict[str, int] = {}
        self.leaving: set[str] = set()
        self.serial = 0
        self.added: Counter[int] = Counter()
        self.removals: Counter[str] = Counter()
        self.deleted: Counter[str] = Counter()
        self.booted = not paused

    def teardown(self) -> None:
        if hasattr(self, "box"):
            self.box.close()

    def _take(self, messages: list[dict[str, Any]]) -> dict[str, Any] | None:
        """Sort what came; the reply, if there is one."""
        reply = None
        for message in messages:
            if message.get("event") == "DEVICE_DELETED":
                self._gone(message["data"]["device"])
            elif "event" not in message:
                reply = message
        return reply

    def _gone(self, name: str) -> None:
        self.deleted[name] += 1
        assert name in self.leaving, f"{name} left without having been asked to"
        self.leaving.remove(name)
        del self.plugged[name]

    def _send(self, text: str) -> dict[str, Any]:
        reply = self._take(self.box.send(text.encode()))
        assert reply is not None
        return reply

    @rule(data=st.data())
    def plug_any_slot(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, self.topology.max_cpus - 1))
        at, name = self.topology.location(index), f"cpu{self.serial}"
        reply = self._send(
            f"{{'execute': 'device_add', 'arguments': {{'driver': '{DRIVER}', 'id': '{name}', "
            f"'socket-id': {at.socket_id}, 'cluster-id': {at.cluster_id}, "
            f"'core-id': {at.core_id}, 'thread-id': {at.thread_id}}}}}",
        )
        if index < self.topology.cpus or index in self.plugged.values():
            assert reply["error"]["desc"].startswith(f"cpu(id{index}={at}) with arch-id ")
            return
        assert reply == {"return": {}}
        self.plugged[name] = index
        self.serial += 1

    @precondition(lambda self: self.plugged)
    @rule(data=st.data())
    def unplug_one(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.plugged)))
        self.removals[name] = 1
        self.leaving.add(name)
        reply = self._send(f"{{'execute': 'device_del', 'arguments': {{'id': '{name}'}}}}")
        assert reply == {"return": {}}

    @rule(index=st.integers(0, 3))
    def unplug_a_boot_cpu(self, index: int) -> None:
        path = f"/machine/unattached/device[{index}]"
        reply = self._send(f"{{'execute': 'device_del', 'arguments': {{'id': '{path}'}}}}")
        assert "error" in reply

    @rule()
    def stop(self) -> None:
        assert self._send("{'execute': 'stop'}") == {"return": {}}

    @rule()
    def cont(self) -> None:
        assert self._send("{'execute': 'cont'}") == {"return": {}}

    @rule()
    def reset(self) -> None:
        assert self._send("{'execute': 'system_reset'}") == {"return": {}}
        assert not self.leaving, "a reset completes the removals that are pending"

    @rule(steps=st.integers(1, 12))
    def let_a_little_time_pass(self, steps: int) -> None:
        self.box.runner.advance(steps * 700)
        self._take(self.box.received())

    @rule()
    def let_the_guest_finish(self) -> None:
        self._take(self.box.settle())
        if self.machine.running:
            check_settled(self.machine)
            assert not self.leaving

    @invariant()
    def layers_agree(self) -> None:
        if not hasattr(self, "machine"):
            return
        check_layers(self.machine)
        self.birth.check(self.machine)
        boot = set(range(self.topology.cpus))
        assert set(self.machine.plugger.plugged) == boot | set(self.plugged.values())

    @invariant()
    def nothing_is_deleted_twice(self) -> None:
        if hasattr(self, "machine"):
            assert all(count == 1 for count in self.deleted.values())
            assert set(self.deleted) <= set(self.removals)


TestHotplug = Hotplug.TestCase
TestHotplug.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
