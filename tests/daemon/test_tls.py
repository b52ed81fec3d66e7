"""A monitor with TLS and an access list, from the command line to the client."""

from __future__ import annotations

import asyncio
import json
import ssl
from typing import TYPE_CHECKING

import pytest

from daemon.chardev.sockets import SocketBackend
from daemon.config import TcpAddress
from daemon.options.table import parse
from tests.daemon.live import serving
from tests.daemon.objects.pki import ALICE, BOB, SERVER, STRANGER, folder
from tests.process import TIMEOUT, daemon

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from daemon.app import App
    from tests.daemon.conftest import Run

RULES = '{"qom-type": "authz-list", "id": "ops", "rules": [%s]}'
ALLOW = '{"match": "*,CN=alice", "policy": "allow", "format": "glob"}'


def running(where: str, rules: str) -> AbstractAsyncContextManager[App]:
    """A daemon with a monitor on a port, for those whom the rules let in."""
    argv = [
        *("-object", f"tls-creds-x509,id=tls,dir={where},endpoint=server"),
        *("-object", RULES % rules),
        *("-qmp", "tcp:localhost:0,ipv4=on,server=on,wait=off,tls-creds=tls,tls-authz=ops"),
    ]
    return serving(parse(argv))


async def greeting(app: App, where: str) -> bytes:
    """What a client hears first: nothing if it is sent away."""
    device = app.server.chardevs["compat_monitor0"]
    assert isinstance(device, SocketBackend)
    assert isinstance(device.address, TcpAddress)
    context = ssl.create_default_context(cafile=f"{where}/ca-cert.pem")
    context.load_cert_chain(f"{where}/client-cert.pem", f"{where}/client-key.pem")
    try:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", device.address.port, ssl=context, server_hostname="localhost"
        )
        heard = await reader.readline()
        writer.close()
        await writer.wait_closed()
    except OSError:
        return b""
    return heard


def test_who_is_listed_is_let_in_and_others_are_sent_away(run: Run, tmp_path: Path) -> None:
    people: list[tuple[Mapping[str, str], bool]] = [
        (ALICE, True),
        (BOB, False),
        (STRANGER, False),
        (ALICE, True),
    ]

    async def visits() -> None:
        async with running(folder(tmp_path, SERVER), ALLOW) as app:
            for files, welcome in people:
                heard = await greeting(app, folder(tmp_path, files))
                assert (b'"QMP"' in heard) is welcome

    run(visits())


def test_the_list_may_change_while_it_runs(run: Run, tmp_path: Path) -> None:
    alice = folder(tmp_path, ALICE)

    async def visits() -> None:
        async with running(folder(tmp_path, SERVER), "") as app:
            assert await greeting(app, alice) == b""
            objects = app.context.objects
            objects.delete("ops")
            assert await greeting(app, alice) == b""
            objects.create_all((json.loads(RULES % ALLOW),))
            assert b'"QMP"' in await greeting(app, alice)
            objects.delete("tls")  # which the device goes on to speak with
            assert b'"QMP"' in await greeting(app, alice)

    run(visits())


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ("tls-creds=nosuch", "No TLS credentials with id 'nosuch'"),
        ("tls-creds=tls", "Expected TLS credentials for a server endpoint"),
        ("tls-creds=list", "Object with id 'list' is not TLS credentials"),
    ],
)
def test_what_can_not_be_ends_the_start_with_a_line(
    tmp_path: Path, options: str, complaint: str
) -> None:
    argv = [
        *("-object", f"tls-creds-x509,id=tls,dir={folder(tmp_path, ALICE)},endpoint=client"),
        *("-object", "authz-simple,id=list,identity=x"),
        *("-qmp", f"tcp:localhost:0,server=on,wait=off,{options}"),
    ]
    with daemon(tmp_path, *argv) as process:
        out, err = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, out, err) == (1, "", f"armvirtd: {complaint}\n")


def test_credentials_that_are_missing_end_the_start_with_a_line(tmp_path: Path) -> None:
    with daemon(tmp_path, "-object", "tls-creds-x509,id=t,dir=nosuch,endpoint=server") as process:
        _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 1
    assert err == (
        "armvirtd: Unable to access credentials nosuch/ca-cert.pem: No such file or directory\n"
    )
