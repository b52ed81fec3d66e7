"""The terminal sends byte for byte what QEMU's sends, and nothing that is typed can hurt it."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING, Any

import pytest

from daemon.hmp.history import MOST, History
from daemon.hmp.line import MOST_BYTES
from daemon.hmp.terminal import KEYS_AT_ONCE, PROMPT, Terminal
from machine.runstate import RunState
from tests.daemon.hmp.recordings import paused, recorded, shown, typed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.box import Box

GREETING, *KEYS, LONG = recorded("terminal.jsonl")
NEWER = {"\x15", "\x0e", "\x10"}
"""Keys that QEMU 9.1 has learnt, and the recorded 7.2 did not know."""


@pytest.fixture
def machine() -> Iterator[Box]:
    box = paused()
    yield box
    box.close()


@pytest.fixture
def terminal(machine: Box) -> Terminal:
    terminal = Terminal(machine.context)
    terminal.greeting()
    return terminal


def name_of(row: dict[str, Any]) -> str:
    return ascii(row["typed"])


@pytest.mark.parametrize("row", KEYS, ids=name_of)
def test_keys_are_echoed_as_recorded(terminal: Terminal, row: dict[str, Any]) -> None:
    assert typed(terminal, row["typed"].encode("latin-1")) == row["sent"].encode("latin-1")


@pytest.mark.parametrize("row", KEYS, ids=name_of)
def test_it_makes_no_difference_in_what_pieces_keys_come(
    terminal: Terminal, row: dict[str, Any]
) -> None:
    keys = row["typed"].encode("latin-1")
    sent = b"".join(typed(terminal, bytes((key,))) for key in keys)
    assert sent == row["sent"].encode("latin-1")


def test_a_line_that_is_too_long_is_echoed_as_recorded_up_to_its_limit(terminal: Terminal) -> None:
    echo, size = hashlib.sha256(), 0
    for piece in terminal.receive_data(b"x" * LONG["length"] + b"\x1b[1~\x0b"):
        sent = terminal.execute(piece)
        assert len(sent) < KEYS_AT_ONCE * 4 * (MOST_BYTES + 3)
        size += len(sent)
        echo.update(sent)
    assert (size, echo.hexdigest()) == (LONG["bytes"], LONG["sha256"])


def test_the_greeting_is_as_recorded_but_for_the_version(machine: Box) -> None:
    recorded_greeting = GREETING["greeting"].replace("7.2.22", "9.1.50")
    assert Terminal(machine.context).greeting() == recorded_greeting.encode()


def test_control_u_removes_what_is_before_the_cursor(terminal: Terminal) -> None:
    typed(terminal, b"abcd\x1b[D")
    assert typed(terminal, b"\x15") == b"\x1b[D" * 3 + b"d\x1b[K" + b"\x1b[D"


@pytest.mark.parametrize(("control", "arrow"), [(b"\x10", b"\x1b[A"), (b"\x0e", b"\x1b[B")])
def test_control_p_and_n_are_the_arrows(machine: Box, control: bytes, arrow: bytes) -> None:
    one, other = Terminal(machine.context), Terminal(machine.context)
    for terminal in (one, other):
        typed(terminal, b"h1\rh2\rh3\r\x1b[A\x1b[A\x1b[A\x1b[B")
    assert typed(one, control) == typed(other, arrow) != b""


@pytest.mark.parametrize("key", [b"\x02", b"\x06", b"\x0b", b"\x03", b"\x1b[5~", b"\x1b[H"])
def test_keys_that_qemu_does_not_know_do_nothing(terminal: Terminal, key: bytes) -> None:
    typed(terminal, b"ab\x1b[D")
    assert typed(terminal, key) == b""
    assert typed(terminal, b"X") == b"\x1b[DaXb\x1b[K\x1b[D"


def test_the_one_byte_form_of_csi_keeps_the_number_before(terminal: Terminal) -> None:
    assert typed(terminal, b"ab\x1b[1~\x05\x9b~").endswith(b"\x1b[D\x1b[D")


def test_device_types_are_completed(terminal: Terminal) -> None:
    assert typed(terminal, b"device_add cortex-a72\t").endswith(
        b"device_add cortex-a72-arm-cpu \x1b[K"
    )


def test_ids_of_what_may_be_unplugged_are_completed(box: Box) -> None:
    terminal = Terminal(box.context)
    assert shown(terminal, "device_add cortex-a72-arm-cpu,id=left,core-id=2") == ""
    assert shown(terminal, "device_add cortex-a72-arm-cpu,id=right,core-id=3") == ""
    box.settle()
    assert typed(terminal, b"device_del r\t").endswith(b"device_del right \x1b[K")
    listed = typed(terminal, b"\x15device_del \t")
    assert b"\r\nleft      right     \r\n(qemu) device_del \x1b[K" in listed


def test_the_first_cpus_are_not_offered_for_unplugging(terminal: Terminal) -> None:
    assert typed(terminal, b"device_del \t").endswith(b"device_del \x1b[K")


def test_what_can_be_in_columns_is(terminal: Terminal) -> None:
    listed = b"system_powerdown  system_reset      system_wakeup     \r\n(qemu) system_"
    assert listed in typed(terminal, b"sys\t")


def test_a_new_client_finds_the_history_but_not_the_half_line(machine: Box) -> None:
    history = History()
    typed(Terminal(machine.context, history), b"info name\rhalf")
    after = Terminal(machine.context, history)
    assert after.greeting().endswith(PROMPT)
    assert typed(after, b"\x1b[A") == b"info name\x1b[K"


def test_an_empty_line_leaves_the_place_in_the_history(terminal: Terminal) -> None:
    typed(terminal, b"h1\rh2\r\x1b[A\x1b[A\x15\r")
    assert typed(terminal, b"\x1b[B") == b"h2\x1b[K"


def test_the_history_is_bounded_and_keeps_the_newest(terminal: Terminal) -> None:
    for number in range(MOST + 10):
        typed(terminal, b"x%d\r" % number)
    printed = shown(terminal, "info history").splitlines()
    assert len(printed) == MOST
    assert printed[0] == "0: 'x11'"
    assert printed[-1] == f"{MOST - 1}: 'info history'"


def test_the_current_cpu_stays_chosen_until_it_leaves(box: Box) -> None:
    terminal = Terminal(box.context)
    shown(terminal, "device_add cortex-a72-arm-cpu,id=two,core-id=2")
    box.settle()
    assert shown(terminal, "cpu 2") == ""
    assert "* CPU #2" in shown(terminal, "info cpus")
    shown(terminal, "device_del two")
    box.settle()
    shown(terminal, "device_add cortex-a72-arm-cpu,id=two,core-id=2")
    assert shown(terminal, "info cpus").startswith("* CPU #0")


def test_quit_ends_the_machine_and_what_was_typed_behind_it_is_not_heard(machine: Box) -> None:
    terminal = Terminal(machine.context)
    sent = typed(terminal, b"quit\rcont\r")
    assert sent.endswith(b"quit\x1b[K\r\n")
    assert machine.ended
    assert machine.machine.run_state is RunState.SHUTDOWN


def test_a_failing_command_is_told_of_and_the_next_one_works(
    machine: Box, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise RuntimeError("oops")

    monkeypatch.setattr(machine.machine, "cont", broken)
    terminal = Terminal(machine.context)
    assert shown(terminal, "cont") == "Error: Internal error: RuntimeError('oops')\r\n"
    assert "oops" in caplog.text
    assert shown(terminal, "info kvm") == "kvm support: not compiled\r\n"


def test_it_is_never_sent_events(terminal: Terminal) -> None:
    assert not terminal.negotiated()
    assert not terminal.oob_enabled()


@pytest.mark.parametrize("seed", range(5))
def test_no_input_whatever_breaks_it(terminal: Terminal, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - to be repeatable is the point
    alphabet = [b"\x1b[", b"\t", b"\r", b"\x1b", b"x /", b"info ", b"(", b"'", b'"', b"\xff"]
    for _ in range(40):
        noise = b"".join(
            chance.choice(alphabet) if chance.random() < 0.5 else chance.randbytes(3)
            for _ in range(20)
        )
        typed(terminal, noise.replace(b"q", b"Q"))
    typed(terminal, b"AAA\x15\x1b[0~\x05\x15\r")
    assert shown(terminal, "info kvm") == "kvm support: not compiled\r\n"
