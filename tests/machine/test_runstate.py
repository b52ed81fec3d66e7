"""Run states: every state and verb, where it leads, and what it tells."""

from __future__ import annotations

import pytest

from machine.events import MachineEvent, Resumed, Stopped, Suspended, WokenUp
from machine.runstate import RunState, Verb, transition

S, V = RunState, Verb

MOVES: dict[tuple[RunState, Verb], tuple[RunState, MachineEvent | None]] = {
    (S.RUNNING, V.STOP): (S.PAUSED, Stopped()),
    (S.PRELAUNCH, V.CONT): (S.RUNNING, Resumed()),
    (S.PAUSED, V.CONT): (S.RUNNING, Resumed()),
    (S.RUNNING, V.SUSPEND): (S.SUSPENDED, Suspended()),
    (S.SUSPENDED, V.WAKEUP): (S.RUNNING, WokenUp()),
    (S.SUSPENDED, V.STOP): (S.PAUSED, Stopped()),
    (S.PAUSED, V.CONT_ASLEEP): (S.SUSPENDED, Resumed()),
    (S.PAUSED, V.RESET): (S.PRELAUNCH, None),
    (S.SUSPENDED, V.RESET): (S.PRELAUNCH, None),
    (S.RUNNING, V.SHUTDOWN): (S.SHUTDOWN, None),
    (S.PAUSED, V.SHUTDOWN): (S.SHUTDOWN, None),
    (S.PRELAUNCH, V.SHUTDOWN): (S.SHUTDOWN, None),
    (S.RUNNING, V.FAIL): (S.INTERNAL_ERROR, Stopped()),
    (S.INTERNAL_ERROR, V.RESET): (S.PRELAUNCH, None),
    (S.INTERNAL_ERROR, V.SHUTDOWN): (S.SHUTDOWN, None),
    (S.SUSPENDED, V.SHUTDOWN): (S.SHUTDOWN, None),
    (S.GUEST_PANICKED, V.SHUTDOWN): (S.SHUTDOWN, None),
    (S.RUNNING, V.PANIC): (S.GUEST_PANICKED, Stopped()),
    (S.GUEST_PANICKED, V.CONT): (S.RUNNING, Resumed()),
    (S.GUEST_PANICKED, V.RESET): (S.PRELAUNCH, None),
    (S.RUNNING, V.POWER_OFF): (S.SHUTDOWN, Stopped()),
    (S.SUSPENDED, V.POWER_OFF): (S.SHUTDOWN, Stopped()),
    (S.SHUTDOWN, V.RESET): (S.PRELAUNCH, None),
}
"""By hand, and on purpose a second time: nothing else may move a machine."""


@pytest.mark.parametrize("state", RunState)
@pytest.mark.parametrize("verb", Verb)
def test_a_verb_leads_where_qemu_leads_it_or_nowhere(state: RunState, verb: Verb) -> None:
    assert transition(state, verb) == MOVES.get((state, verb), (state, None))


def test_stop_in_prelaunch_is_no_event_and_stays() -> None:
    assert transition(S.PRELAUNCH, V.STOP) == (S.PRELAUNCH, None)


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb is not V.RESET])
def test_nothing_but_a_reset_leads_out_of_a_shutdown(verb: Verb) -> None:
    assert transition(S.SHUTDOWN, verb) == (S.SHUTDOWN, None)


def test_states_are_spelled_as_clients_read_them() -> None:
    spelled = {"prelaunch", "running", "paused", "shutdown", "suspended"}
    spelled |= {"internal-error", "guest-panicked"}
    assert {state.value for state in RunState} == spelled
