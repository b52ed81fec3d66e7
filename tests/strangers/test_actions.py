"""QEMU itself: what it does when its guest panics, reboots or powers off, is done here.

QEMU's guest is a few instructions, which make the PCI variant of the panic device known to the bus,
and write to it, or call PSCI; ours is a user at the system request's keys.
"""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from daemon.options.table import UsageError, parse
from tests.box import Box

if TYPE_CHECKING:
    from pathlib import Path

QEMU = "qemu-system-aarch64"
MACHINE = "-M virt,highmem=off -cpu cortex-a72 -S -display none -nodefaults"
LOADED_AT = 0x4020_0000

pytestmark = [
    pytest.mark.qemu,
    pytest.mark.skipif(shutil.which(QEMU) is None, reason=f"{QEMU} is not installed"),
]


def movz(register: int, value: int) -> int:
    """MOVZ Wn, #imm16."""
    return 0x5280_0000 | value << 5 | register


def movk(register: int, value: int) -> int:
    """MOVK Wn, #imm16, LSL #16."""
    return 0x72A0_0000 | value << 5 | register


FOREVER = 0x1400_0000
PANIC = (
    *(movz(0, 0x8000), movk(0, 0x3F00)),  # the configuration space of device 1
    *(movz(1, 0), movk(1, 0x1000), 0xB900_1001),  # STR W1, [X0, #0x10]: where its register is to be
    *(movz(2, 2), 0x7900_0802),  # STRH W2, [X0, #4]: it answers on the memory bus
    *(movz(3, 1), 0x3900_0023),  # STRB W3, [X1]: panicked
)


def psci(function: int) -> tuple[int, ...]:
    return movz(0, function), movk(0, 0x8400), 0xD400_0002  # HVC #0


GUESTS = {"c": PANIC, "o": psci(8), "b": psci(9)}
"""What does in a guest of QEMU's what a key does in ours."""

OPTIONS = (
    "",
    "-action panic=pause",
    "-action panic=none",
    "-action panic=exit-failure",
    "-action shutdown=pause,panic=pause",
    "-no-shutdown",
    "-no-shutdown -action panic=exit-failure",
    "-no-reboot",
    "-no-reboot -no-shutdown",
    "-no-reboot -action panic=none",
)
THEN = ("query-status", "cont", "query-status", "stop", "system_reset", "query-status", "quit")
"""What is asked of a machine that is still there."""


class Told(NamedTuple):
    """What came: events, replies, and the exit status; which of the first two is first may vary."""

    events: list[Any]
    replies: list[Any]
    status: int


def told(messages: list[dict[str, Any]], status: int) -> Told:
    for message in messages:
        message.pop("timestamp", None)
        if isinstance(message.get("return"), dict):
            message["return"].pop("singlestep", None)  # QEMU has dropped it since
    events = [message for message in messages if "event" in message]
    return Told(events, [message for message in messages if "event" not in message], status)


def requests(*names: str) -> str:
    return "".join(json.dumps({"execute": name}) for name in names)


def theirs(folder: Path, key: str, options: str, last: str) -> Told:
    """What QEMU tells; it is asked on once the event `last` has come."""
    code = folder / "code.bin"
    code.write_bytes(struct.pack(f"<{len(GUESTS[key]) + 1}I", *GUESTS[key], FOREVER))
    device = f"-device pvpanic-pci,addr=1 -device loader,file={code},addr={LOADED_AT},cpu-num=0"
    with subprocess.Popen(
        [QEMU, *f"{MACHINE} {device} {options} -qmp stdio".split()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        print(requests("qmp_capabilities", "cont"), file=process.stdin, flush=True)
        messages = []
        for line in process.stdout:
            messages.append(json.loads(line))
            if messages[-1].get("event") == last:
                last = ""
                print(requests(*THEN), file=process.stdin, flush=True)
        status = process.wait(60)
    events, replies, _ = told(messages, status)
    return Told(events[1:], replies[3:], status)


def ours(key: str, options: str) -> tuple[Told, str]:
    """What is told here, and the last event before anything is asked, if anybody is left to ask."""
    box = Box(parse(f"-M virt,x-pvpanic=on {options}".split()))
    box.received()
    box.returned("x-guest-write", path="/proc/sysrq-trigger", data=key)
    messages = box.settle()
    last = "" if box.ended else str(messages[-1]["event"])
    for name in THEN:
        if not box.ended:
            messages += box.send(requests(name).encode())
    status = box.machine.exit_status
    box.close()
    return told(messages, status), last


CASES = [
    (key, options) for key in GUESTS for options in OPTIONS if key != "b" or "-no-reboot" in options
]
"""QEMU's guest would reboot for ever, where that does not end it."""


@pytest.mark.parametrize(("key", "options"), CASES)
def test_what_comes_of_a_guests_end_is_what_comes_of_it_in_qemu(
    tmp_path: Path, key: str, options: str
) -> None:
    mine, last = ours(key, options)
    assert mine == theirs(tmp_path, key, options, last)


@pytest.mark.parametrize(
    "text",
    [
        *("panic=foo", "panic=Pause", "shutdown=none", "reboot=pause", "watchdog=foo"),
        *("foo=bar", "panic=none,foo=1", "id=a,panic=none", "panic=pause,,x", "reboot="),
    ],
)
def test_what_is_refused_is_refused_in_the_same_words(text: str) -> None:
    words = [QEMU, *MACHINE.split(), "-action", text]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    with pytest.raises(UsageError) as refused:
        parse(["-action", text])
    assert str(refused.value) == done.stderr.splitlines()[0].removeprefix(f"{QEMU}: ")
