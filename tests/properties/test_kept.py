"""Whatever happens to a machine, a kept reply says what the handler would say now."""

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from daemon.commands import COMMANDS
from machine.config import MachineConfig
from tests.box import FLAT, Box

KEPT = [command for command in COMMANDS.values() if command.kept is not None]
CORES = st.integers(2, 3)  # few, so that what is plugged is unplugged


class Life(RuleBasedStateMachine):
    """A machine whose clients ask again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.box = Box(MachineConfig(topology=FLAT))

    def teardown(self) -> None:
        self.box.close()

    @rule(core=CORES, wait=st.booleans())
    def plug(self, core: int, wait: bool) -> None:  # noqa: FBT001 - drawn
        request = {"driver": self.box.machine.cpu_typename, "id": f"cpu{core}", "core-id": core}
        self.send("device_add", **request)
        self.settle(wait)

    @rule(core=CORES, wait=st.booleans())
    def unplug(self, core: int, wait: bool) -> None:  # noqa: FBT001 - drawn
        self.send("device_del", id=f"cpu{core}")
        self.settle(wait)

    @rule(verb=st.sampled_from(["stop", "cont", "cont", "system_reset"]), wait=st.booleans())
    def order(self, verb: str, wait: bool) -> None:  # noqa: FBT001 - drawn
        self.send(verb)
        self.settle(wait)

    def settle(self, wait: bool) -> None:  # noqa: FBT001 - drawn
        if wait:
            self.box.settle()

    @invariant()
    def what_is_kept_is_true(self) -> None:
        for command in KEPT:
            (answer,) = self.send(command.name)
            fresh = command.encode(command.handler(self.box.context))
            assert answer == {"return": json.loads(fresh)}

    def send(self, name: str, **arguments: object) -> list[dict[str, Any]]:
        request = {"execute": name, "arguments": arguments}
        return self.box.send(json.dumps(request).encode())


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=12, stateful_step_count=25, deadline=None)


def test_the_lists_of_cpus_and_the_status_are_kept() -> None:
    assert {"query-cpus-fast", "query-hotpluggable-cpus", "query-status"} <= {
        command.name for command in KEPT
    }
