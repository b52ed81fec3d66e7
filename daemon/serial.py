"""The machine's serial port: the front end of a character device, as a monitor is one.

Neither direction can hold the machine up. What it sends is lost while nobody is there, and while
somebody who is there has not taken a MiB of it. What comes from outside waits until the guest has
read what came before: here, even if whoever said it has left, and where that is much, outside.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from daemon.chardev.backend import Peer
from daemon.chardev.sockets import SocketBackend

if TYPE_CHECKING:
    from collections.abc import Callable

    from daemon.chardev.backend import Backend
    from daemon.runner import Pump
    from machine.pl011 import Pl011

LIMIT = 1 << 20
"""Bytes that may wait to be taken; what is sent beyond them is lost."""

READ_AHEAD = 64 << 10
"""Bytes of input that wait for the guest, before no more are read."""


class SerialPort:
    """Carries characters between a UART and the peers of a character device.

    What is sent before the device has been opened is kept for whoever is there once it is: the
    guest boots before. What is said to a machine that is still to be created waits for it.

    Args:
        device: the character device; this is its front end from now on.
        pump: the machine's, told before and after it is given characters.

    Raises:
        ChardevError: the device has a front end already.
    """

    def __init__(self, device: Backend, pump: Pump) -> None:
        self._uart: Pl011 | None = None
        self._pump = pump
        self._device = device
        self._early = bytearray()
        self._sink: Callable[[int], None] | None = self._early.append
        self._input = bytearray()
        self._feeding: asyncio.Handle | None = None
        self._peer: SerialPeer | None = None
        device.attach(self.open)

    def connect(self, uart: Pl011) -> None:
        """Lead it to a UART, whose other end is ours from now on."""
        self._uart = uart
        uart.chardev = self._device.label
        uart.sink = self._sink
        if self._input:
            self._feed()

    def open(self) -> Peer:
        """Make what serves the peer that comes now."""
        ends = isinstance(self._device, SocketBackend)
        self._peer = SerialPeer(self, self._early, ends_with_input=ends)
        self._early = bytearray()
        return self._peer

    def opened(self) -> None:
        """The device has been opened: from now on, what nobody hears is lost."""
        if not self._device.connected:
            self.listen(None)
        self._early.clear()

    def listen(self, sink: Callable[[int], None] | None) -> None:
        """Have each character that is sent handed to this from now on; None for nobody."""
        self._sink = sink
        if self._uart is not None:
            self._uart.sink = sink

    def take(self, data: bytes) -> None:
        """Give this to the UART, behind what waits for it to have room."""
        self._input += data
        if self._feeding is None:
            self._feed()

    def _feed(self) -> None:
        self._feeding = None
        if self._uart is not None:
            self._give(self._uart)
        if self._peer is not None:
            self._peer.read(wanted=len(self._input) < READ_AHEAD)

    def _give(self, uart: Pl011) -> None:
        self._pump.sync()
        taken = self._receive(uart, bytes(self._input[: uart.room]))
        del self._input[:taken]
        uart.on_room = self._room if self._input else None
        self._pump.kick()

    def _receive(self, uart: Pl011, data: bytes) -> int:
        """Have the UART receive this; gives how much of it did."""
        return uart.receive(data)

    def _room(self) -> None:
        """The guest is reading: go on once it has returned."""
        if self._feeding is None:
            self._feeding = asyncio.get_running_loop().call_soon(self._feed)


class SerialPeer(Peer):
    """Serves one peer.

    Args:
        port: the port.
        early: what it is to be sent first.
        ends_with_input: whether a peer that has no more to say has gone; the end of a terminal's
            or a file's input says nothing about its output.
    """

    def __init__(self, port: SerialPort, early: bytearray, *, ends_with_input: bool) -> None:
        super().__init__()
        self._port = port
        self._ends_with_input = ends_with_input
        self._transport: asyncio.Transport | None = None
        self._output = early
        self._sending: asyncio.Handle | None = None
        self._reading = True

    # --- what the event loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Listen to the UART."""
        self._transport = cast("asyncio.Transport", transport)
        self._port.listen(self._put)
        self._send()

    def data_received(self, data: bytes) -> None:
        """Give it to the UART."""
        self._port.take(data)

    def eof_received(self) -> bool:
        """Nothing more comes from there."""
        return not self._ends_with_input

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody listens any more."""
        del exc
        self._transport = None
        self._port.listen(None)
        if self._sending is not None:
            self._sending.cancel()
        self.closed.set()

    # --- what the daemon and the port tell

    def finish(self) -> None:
        """Take nothing more; close once everything is sent."""
        if self._transport is None:
            self.closed.set()
            return
        self._send()
        self._transport.close()

    def abort(self) -> None:
        """Close now."""
        if self._transport is not None:
            self._transport.abort()

    def read(self, *, wanted: bool) -> None:
        """Read on, or do not."""
        if self._transport is None or wanted == self._reading:
            return
        self._reading = wanted
        if wanted:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    # --- what the UART sends

    def _put(self, character: int) -> None:
        self._output.append(character)
        if self._sending is None:
            self._sending = asyncio.get_running_loop().call_soon(self._send)

    def _send(self) -> None:
        """Send all that has been said since this was last done, as one write."""
        self._sending = None
        transport = self._transport
        if transport is not None and transport.get_write_buffer_size() < LIMIT:
            transport.write(bytes(self._output))
        self._output.clear()
