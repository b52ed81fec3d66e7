"""A machine whose guest has a console: what it printed, and what is typed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.machine.board import Board

if TYPE_CHECKING:
    from machine.config import MachineConfig

SPCR = Path(__file__).parents[2] / "data" / "acpi" / "flat" / "SPCR.aml"


def with_checksum(table: bytes) -> bytes:
    """The same table, its checksum made right."""
    rest = table[:9] + b"\0" + table[10:]
    return table[:9] + bytes([-sum(rest) & 0xFF]) + table[10:]


class SerialBoard(Board):
    """A machine from its first instruction on, whose SPCR may be another than its own."""

    def __init__(self, config: MachineConfig, spcr: bytes | None = None) -> None:
        super().__init__(config)
        self.printed = bytearray()
        self.machine.uart.sink = self.printed.append
        if spcr is not None:
            power = self.machine.power
            power._tables = {**power._tables, "SPCR": spcr}
            power.reset()

    def lines(self) -> list[str]:
        """What was printed since this was last asked, without times."""
        text, self.printed[:] = self.printed.decode(), b""
        return [line.partition("] ")[2] or line for line in text.split("\r\n")[:-1]]

    def send(self, data: bytes) -> None:
        """Type at the serial port, as fast as it takes it."""
        while data:
            data = data[self.machine.uart.receive(data) :]
            self.settle()

    def type(self, text: str) -> list[str]:
        """Type a text; what was printed then."""
        self.send(text.encode())
        return self.lines()
