"""The two kinds of monitors, as suites of tests talk to them: a line, and what comes for it."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any, Self

from tests.process import TIMEOUT, connected, daemon
from tests.strangers.conformity import Conformity

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Iterator
    from pathlib import Path

PROMPT = b"(qemu) "
OPEN = frozenset({"device_add"})
"""Commands that take more than the schema says: the properties of what is made."""


class Monitor:
    """A QMP client on a socket, from the greeting on; events are set aside."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self._rest = bytearray()
        self.greeting = self.next()
        self.events: list[dict[str, Any]] = []

    def negotiate(self) -> Self:
        """Enter command mode."""
        assert self.ask("qmp_capabilities") == {"return": {}}
        return self

    def next(self) -> dict[str, Any]:
        """The next message, whatever it is."""
        while b"\n" not in self._rest:
            piece = self._client.recv(1 << 16)
            assert piece, self._rest
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        assert line.endswith(b"\r"), line
        return dict(json.loads(line))

    def say(self, data: bytes) -> dict[str, Any]:
        """Send bytes; the reply to them."""
        self._client.sendall(data)
        return self.reply()

    def reply(self) -> dict[str, Any]:
        """The next message that is no event."""
        while "event" in (message := self.next()):
            self.happened(message)
        return message

    def ask(self, command: str, /, **arguments: Any) -> dict[str, Any]:
        """Execute a command; its reply."""
        return self.say(_encoded(command, arguments))

    def get(self, command: str, /, **arguments: Any) -> Any:
        """Execute a command that is to succeed; what it returned."""
        answer = self.ask(command, **arguments)
        assert "return" in answer, (command, arguments, answer)
        return answer["return"]

    def refused(self, command: str, /, **arguments: Any) -> tuple[str, str]:
        """Execute a command that is to fail; class and description."""
        answer = self.ask(command, **arguments)
        assert "error" in answer, (command, arguments, answer)
        return answer["error"]["class"], answer["error"]["desc"]

    def ask_all(self, command: str, many: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Execute a command with each of these arguments, all of them sent at once."""
        lines = [_encoded(command, arguments) for arguments in many]
        self._client.sendall(b"".join(lines))
        return [self.reply() for _ in lines]

    def human(self, line: str) -> str:
        """What the human monitor prints."""
        return str(self.get("human-monitor-command", command_line=line))

    def happened(self, event: dict[str, Any]) -> None:
        """Keep an event."""
        self.events.append(event)

    def wait_for(self, name: str, **data: Any) -> dict[str, Any]:
        """The first event of a name, and with such data, that has come or is to come."""
        while True:
            for event in self.events:
                if event["event"] == name and data.items() <= event.get("data", {}).items():
                    self.events.remove(event)
                    return event
            self.happened(self.next())


class TypedMonitor(Monitor):
    """One whose types were generated from the schema: it takes and sends nothing else."""

    schema: Conformity | None = None

    def learn(self) -> Self:
        """Negotiate, and read the schema that all the rest is held against."""
        self.negotiate()
        self.schema = Conformity(super().get("query-qmp-schema"))
        return self

    def ask(self, command: str, /, **arguments: Any) -> dict[str, Any]:
        """Execute a command with arguments as the schema has them; a reply that is likewise."""
        answer = super().ask(command, **arguments)
        if self.schema is not None and "return" in answer:
            if command not in OPEN:
                self.schema.check_arguments(command, _on_wire(arguments))
            self.schema.check_return(command, answer["return"])
        return answer

    def happened(self, event: dict[str, Any]) -> None:
        """Keep an event that is as the schema has it."""
        if self.schema is not None:
            self.schema.check_event(event)
        super().happened(event)


class Prompt:
    """A person at the human monitor, who types whole lines."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self.greeting = self._heard()

    def type(self, line: str) -> list[str]:
        """Enter a line; the lines that are printed before the next prompt."""
        self._client.sendall(line.encode() + b"\r")
        echoed, *printed = self._heard().split("\r\n")
        assert echoed.removesuffix("\x1b[K").endswith(line[-1:]), echoed
        return printed[:-1]

    def leave(self, line: str) -> None:
        """Enter a line behind which there is nothing more."""
        self._client.sendall(line.encode() + b"\r")
        while self._client.recv(1 << 16):
            pass

    def _heard(self) -> str:
        data = b""
        while not data.endswith(PROMPT):
            piece = self._client.recv(1 << 16)
            assert piece, data
            data += piece
        return data.decode(errors="surrogateescape")


@contextlib.contextmanager
def monitored(
    folder: Path, *options: str, survives: bool = True
) -> Iterator[tuple[TypedMonitor, Prompt]]:
    """A daemon that is asked on both its monitors, and survives it unless it is told to end."""
    sockets = (
        "-qmp",
        "unix:qmp.sock,server=on,wait=off",
        "-monitor",
        "unix:mon.sock,server,nowait",
    )
    with (
        daemon(folder, *sockets, *options) as process,
        connected(folder / "qmp.sock", process) as qmp,
        connected(folder / "mon.sock", process) as human,
    ):
        yield TypedMonitor(qmp).learn(), Prompt(human)
        if survives:
            assert process.poll() is None, process.communicate()
        else:
            assert process.wait(TIMEOUT) == 0


def _on_wire(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("_", "-"): value for name, value in arguments.items()}


def _encoded(command: str, arguments: dict[str, Any]) -> bytes:
    message = {"execute": command, "arguments": _on_wire(arguments)}
    return json.dumps(message).encode() + b"\r\n"
