"""A port that anybody reaches, and that asks for no certificate, is warned of."""

import logging
import socket
from pathlib import Path

import pytest

from daemon.chardev import listen
from daemon.chardev.address import Where
from daemon.chardev.sockets import SocketBackend
from daemon.chardev.transport import READ_SIZE
from daemon.config import Address, SocketChardev, TcpAddress, UnixAddress
from daemon.objects.store import Objects
from tests.daemon.chardev.test_sockets import Echo
from tests.daemon.conftest import Run
from tests.daemon.objects.pki import SERVER, create, folder


async def started(address: Address, objects: Objects | None, *, heard: bool = True) -> None:
    creds = None if objects is None else "tls"
    config = SocketChardev(id="x", address=address, tls_creds=creds)
    device = SocketBackend(config, memoryview(bytearray(READ_SIZE)), tls=objects)
    if heard:
        device.attach(Echo)
    await device.start()
    await device.close(1)


def warnings(log: pytest.LogCaptureFixture) -> list[str]:
    told = [record.getMessage() for record in log.records if record.levelno == logging.WARNING]
    return [text for text in told if "commands the machine" in text]


EVERYBODY = ["", "0.0.0.0", "::"]  # noqa: S104 - what is warned of


def has(host: str) -> bool:
    return socket.has_ipv6 if ":" in host else True


@pytest.mark.parametrize("host", EVERYBODY)
def test_every_address_is_warned_of_once(
    run: Run, caplog: pytest.LogCaptureFixture, host: str
) -> None:
    if not has(host):
        pytest.skip("no IPv6 here")
    run(started(TcpAddress(host=host, port=0), None))
    (warning,) = warnings(caplog)
    assert "tcp:" in warning


def test_a_name_is_warned_of_by_where_it_leads(
    run: Run, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def elsewhere(_address: TcpAddress, *, passive: bool) -> list[Where]:
        assert passive
        return [(socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_INET, ("0.0.0.0", 0))]  # noqa: S104

    monkeypatch.setattr(listen, "resolve", elsewhere)
    monkeypatch.setattr(listen, "_bound", lambda family, where, **_: _bound(family, (where[0], 0)))
    run(started(TcpAddress(host="host.example", port=0), None))
    assert len(warnings(caplog)) == 1


def _bound(family: int, where: tuple[str, int]) -> socket.socket:
    """A port of its own for each address: these two overlap."""
    sock = socket.create_server(where, family=family)
    sock.setblocking(False)
    return sock


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "::1"])
def test_loopback_is_not(run: Run, caplog: pytest.LogCaptureFixture, host: str) -> None:
    if not has(host):
        pytest.skip("no IPv6 here")
    run(started(TcpAddress(host=host, port=0), None))
    assert warnings(caplog) == []


def test_a_file_tls_and_what_nobody_listens_to_are_not(
    run: Run, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    objects = Objects()
    create(objects, "tls-creds-x509", "tls", dir=folder(tmp_path, SERVER), endpoint="server")
    run(started(UnixAddress(path=str(tmp_path / "sock")), None))
    run(started(TcpAddress(host="", port=0), objects))
    run(started(TcpAddress(host="", port=0), None, heard=False))
    assert warnings(caplog) == []
