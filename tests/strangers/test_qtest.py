"""QEMU's own UART and clock: the same accesses, the same values (by its `-qtest` protocol).

Debian's 7.2 is asked. What is not compared is what differs: registers there keep bits that the
manual does not know, an empty data register reads as what was there last, and nothing is looped
back.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from machine.clock import VirtualClock
from machine.memmap import RTC, UART0
from machine.pl011 import Pl011
from machine.pl031 import Pl031
from tests.process import TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QEMU = "qemu-system-aarch64"
STEPS = 3000
DR, FR, RXFE = 0x00, 0x18, 0x10

pytestmark = [
    pytest.mark.qemu,
    pytest.mark.skipif(shutil.which(QEMU) is None, reason=f"{QEMU} is not installed"),
]

READ = (0x04, 0x18, 0x20, 0x24, 0x28, 0x2C, 0x30, 0x34, 0x38, 0x3C, 0x40, 0x44, 0x48, 0x4C, 0x80)
WRITTEN = {
    0x04: 0xFF,
    0x18: 0xFFFF,
    0x20: 0xFF,
    0x24: 0xFFFF,
    0x28: 0x3F,
    0x30: 0xFF07,
    0x34: 0x3F,
    0x38: 0x7FF,
    0x3C: 0x7FF,
    0x40: 0x7FF,
    0x44: 0x7FF,
    0x48: 0x4,
}
"""Registers of the UART, and the bits that are written: the FIFOs stay as they are."""


class Qtest:
    """QEMU, its CPUs standing, with the other end of its UART."""

    def __init__(self, folder: Path) -> None:
        self._resources = contextlib.ExitStack()
        with contextlib.ExitStack() as listeners:
            ends = [self._listen(folder / name, listeners) for name in ("qtest", "serial")]
            self._process = subprocess.Popen(
                [
                    QEMU,
                    *("-machine", "virt,gic-version=3", "-cpu", "cortex-a72", "-S"),
                    *("-display", "none", "-nodefaults", "-qtest-log", "/dev/null"),
                    *("-rtc", "base=2006-06-17T16:01:21,clock=vm"),
                    *("-qtest", f"unix:{folder / 'qtest'}"),
                    *("-serial", f"unix:{folder / 'serial'}"),
                ],
                stdin=subprocess.DEVNULL,
            )
            self._resources.callback(self._process.wait)
            self._resources.callback(self._process.kill)
            control, self.serial = (end.accept()[0] for end in ends)
        for end in (control, self.serial):
            end.settimeout(TIMEOUT)
            self._resources.callback(end.close)
        self._lines = self._resources.enter_context(control.makefile("rw"))

    @staticmethod
    def _listen(path: Path, listeners: contextlib.ExitStack) -> socket.socket:
        listener = listeners.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(TIMEOUT)
        return listener

    def close(self) -> None:
        """End it."""
        self._resources.close()

    def read(self, address: int, size: int = 4) -> int:
        return int(self._ask(f"read{self._letter(size)} {address:#x}").split()[1], 16)

    def write(self, address: int, value: int, size: int = 4) -> None:
        assert self._ask(f"write{self._letter(size)} {address:#x} {value:#x}") == "OK"

    @staticmethod
    def _letter(size: int) -> str:
        return {1: "b", 2: "w", 4: "l"}[size]

    def _ask(self, line: str) -> str:
        self._lines.write(f"{line}\n")
        self._lines.flush()
        return self._lines.readline().strip()


@pytest.fixture
def qemu(tmp_path: Path) -> Iterator[Qtest]:
    started = Qtest(tmp_path)
    yield started
    started.close()


class Both:
    """QEMU's UART and ours; whatever is read from both must be the same."""

    def __init__(self, qemu: Qtest) -> None:
        self._qemu = qemu
        self._clock = VirtualClock()
        self._uart = Pl011(self._clock)
        self._sent = bytearray()
        self._uart.sink = self._sent.append

    def write(self, offset: int, value: int, size: int = 4) -> None:
        self._qemu.write(UART0.base + offset, value, size)
        self._uart.write(offset, size, value)

    def compare(self, offset: int, size: int = 4) -> None:
        theirs = self._qemu.read(UART0.base + offset, size)
        assert self._uart.read(offset, size) == theirs, hex(offset)

    def receive(self, character: int) -> None:
        """Something comes from outside, if neither has anything yet."""
        if self._uart.read(FR, 4) & RXFE:
            self._qemu.serial.sendall(bytes([character]))
            while self._qemu.read(UART0.base + FR) & RXFE:
                continue
            assert self._uart.receive(bytes([character])) == 1

    def take(self) -> None:
        """What has come is read, if anything has."""
        if not self._uart.read(FR, 4) & RXFE:
            self.compare(DR)

    def send(self, character: int, size: int) -> None:
        self.write(DR, character, size)
        assert self._qemu.serial.recv(16) == self._sent
        self._sent.clear()


@pytest.mark.parametrize("fifos", [0x00, 0x10])
def test_the_uart_answers_as_qemus(qemu: Qtest, fifos: int) -> None:
    both, chance = Both(qemu), random.Random(fifos)  # noqa: S311 - so that it fails again
    both.write(0x2C, 0x60 | fifos)
    for _ in range(STEPS):
        match chance.randrange(6):
            case 0:
                offset = chance.choice(list(WRITTEN))
                both.write(offset, chance.getrandbits(32) & WRITTEN[offset])
            case 1:
                both.send(chance.getrandbits(8), chance.choice((1, 2, 4)))
            case 2:
                both.receive(chance.getrandbits(8))
            case 3:
                both.take()
            case _:
                both.compare(chance.choice(READ), chance.choice((1, 2, 4)))
    for offset in range(0xFE0, 0x1000, 4):
        both.compare(offset)


def test_the_clock_answers_as_qemus(qemu: Qtest) -> None:
    """Time stands still: what is compared is what accesses do."""
    rtc, chance = Pl031(VirtualClock(), 1150560081, lambda _offset: None), random.Random(31)  # noqa: S311 - likewise
    for _ in range(STEPS):
        offset = chance.choice((0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x18, 0x1C, 0x20, 0xFE4))
        now = rtc.count
        value = chance.choice((0, 1, now, now + 5, now - 5, chance.getrandbits(31)))
        if chance.getrandbits(1):
            qemu.write(RTC.base + offset, value & 0xFFFF_FFFF)
            rtc.write(offset, 4, value & 0xFFFF_FFFF)
        assert rtc.read(offset, 4) == qemu.read(RTC.base + offset), hex(offset)
