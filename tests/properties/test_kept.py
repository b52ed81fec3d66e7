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
CORES = st.integers(0, FLAT.cores - 1)


class Life(RuleBasedStateMachine):
    """A machine whose clients ask again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.box = Box(MachineConfig(topology=FLAT))

    def teardown(self) -> None:
        self.box.close()

    @rule(core=CORES)
    def plug(self, core: int) -> None:
        request = {"driver": self.box.machine.cpu_typename, "id": f"cpu{core}", "core-id": core}
        self.send("device_add", **request)

    @rule(core=CORES)
    def unplug(self, core: int) -> None:
        self.send("device_del", id=f"cpu{core}")

    @rule(verb=st.sampled_from(["stop", "cont", "system_reset", "system_powerdown"]))
    def order(self, verb: str) -> None:
        self.send(verb)

    @rule()
    def wait(self) -> None:
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
TestLife.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)


def test_the_lists_of_cpus_and_the_status_are_kept() -> None:
    assert {"query-cpus-fast", "query-hotpluggable-cpus", "query-status"} <= {
        command.name for command in KEPT
    }
