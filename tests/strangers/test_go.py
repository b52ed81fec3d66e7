"""Clients in the manner of Go's: a scanner of lines that gives up at 64 KiB.

digitalocean/go-qemu sends no ids and takes whatever comes next as the answer, unless it is an
event; Kata's govmm does too, and gives every property of a CPU as a string.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

import pytest

from daemon.commands import COMMANDS
from tests.process import connected, daemon

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

MAX_TOKEN = 64 * 1024
"""bufio.MaxScanTokenSize: a line with its end must be shorter."""

LONG = {"query-qmp-schema"}
"""Replies that are longer; Go clients do not ask for them."""


class Scanner:
    """bufio.Scanner with its default limit."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self._rest = b""

    def line(self) -> bytes:
        while b"\n" not in self._rest:
            assert len(self._rest) < MAX_TOKEN, "bufio.Scanner: token too long"
            data = self._client.recv(4096)
            assert data, "EOF"
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        assert len(line) < MAX_TOKEN, "bufio.Scanner: token too long"
        return line.removesuffix(b"\r")


class Monitor:
    """go-qemu's SocketMonitor."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self._scanner = Scanner(client)
        self.events: list[dict[str, Any]] = []

    def connect(self) -> Self:
        assert "QMP" in json.loads(self._scanner.line())
        assert self.run({"execute": "qmp_capabilities"}) == {"return": {}}
        return self

    def run(self, command: dict[str, Any]) -> dict[str, Any]:
        self._client.sendall(json.dumps(command, separators=(",", ":")).encode() + b"\n")
        while "event" in (message := self.next()):
            self.events.append(message)
        return message

    def next(self) -> dict[str, Any]:
        return dict(json.loads(self._scanner.line()))

    def wait_for(self, event: str) -> dict[str, Any]:
        while True:
            message = self.events.pop(0) if self.events else self.next()
            if message["event"] == event:
                return message


@pytest.fixture
def monitor(tmp_path: Path) -> Iterator[Monitor]:
    """A client of a machine with 2 of 64 CPUs."""
    with (
        daemon(tmp_path, "-smp", "2,maxcpus=64") as process,
        connected(tmp_path / "qmp.sock", process) as client,
    ):
        yield Monitor(client).connect()


def without_arguments() -> list[str]:
    """Queries that can be asked without saying anything more."""
    return [
        name
        for name, command in COMMANDS.items()
        if name.startswith(("query-", "x-query-", "qom-list-types"))
        and name not in LONG
        and not (
            command.arguments
            and any(field.is_required() for field in command.arguments.model_fields.values())
        )
    ]


def test_every_reply_for_64_cpus_but_the_schema_fits_a_scanner(monitor: Monitor) -> None:
    slots = monitor.run({"execute": "query-hotpluggable-cpus"})["return"]
    for number, slot in enumerate(reversed(slots[:-2])):
        plug = {"driver": slot["type"], "id": f"cpu-{number}", **slot["props"]}
        assert monitor.run({"execute": "device_add", "arguments": plug}) == {"return": {}}
    for name in without_arguments():
        assert "return" in monitor.run({"execute": name}), name


def test_go_qemu_reads_status_and_cpus(monitor: Monitor) -> None:
    assert monitor.run({"execute": "query-status"})["return"]["status"] == "running"
    cpus = monitor.run({"execute": "query-cpus-fast"})["return"]
    assert [cpu["cpu-index"] for cpu in cpus] == [0, 1]


def test_kata_gives_the_place_of_a_cpu_in_strings(monitor: Monitor) -> None:
    slot = next(
        slot
        for slot in monitor.run({"execute": "query-hotpluggable-cpus"})["return"]
        if "qom-path" not in slot
    )
    place = {
        f"{level}-id": str(slot["props"][f"{level}-id"]) for level in ("core", "thread", "socket")
    }
    plug = {"driver": slot["type"], "id": "cpu-0", **place}
    assert monitor.run({"execute": "device_add", "arguments": plug}) == {"return": {}}
    assert monitor.wait_for("ACPI_DEVICE_OST")["data"]["info"]["device"] == "cpu-0"
    cpus = monitor.run({"execute": "query-cpus-fast"})["return"]
    assert cpus[-1]["qom-path"] == "/machine/peripheral/cpu-0"
    assert monitor.run({"execute": "device_del", "arguments": {"id": "cpu-0"}}) == {"return": {}}
    assert monitor.wait_for("DEVICE_DELETED")["data"]["device"] == "cpu-0"


def test_ids_that_are_strings_come_back_as_they_were(monitor: Monitor) -> None:
    for name in ("libvirt-12", "", 'a"b\\c', "h\u00e9", "7"):
        assert monitor.run({"execute": "query-name", "id": name})["id"] == name
