"""The daemon as a process, as a stranger starts it: sockets, clients, signals, refusals."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import stat
from typing import TYPE_CHECKING, Any

import pytest
from qemu.qmp import ExecuteError, QMPClient

from tests.process import TIMEOUT, daemon, listens, wait_for

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

DRIVER = "cortex-a72-arm-cpu"


async def connected(path: Path, process: subprocess.Popen[str]) -> QMPClient:
    """A stranger's client, once the daemon listens."""
    async with asyncio.timeout(TIMEOUT):
        while not listens(path):
            assert process.poll() is None, process.communicate()
            await asyncio.sleep(0.01)
        client = QMPClient("test")
        await client.connect(str(path))
        return client


async def next_event(client: QMPClient) -> dict[str, Any]:
    async with asyncio.timeout(TIMEOUT):
        return dict(await client.events.get())


def told(event: dict[str, Any]) -> Any:
    """What is in an event besides its time."""
    data = event.get("data", {})
    return event["event"], data.get("info", data)


def ost(source: int, status: int, device: str | None = None) -> Any:
    named = {"device": device} if device else {}
    return "ACPI_DEVICE_OST", {
        **named,
        "source": source,
        "status": status,
        "slot": "2",
        "slot-type": "CPU",
    }


def run(coroutine: Any) -> None:
    asyncio.run(coroutine)


def test_a_stranger_plugs_and_unplugs_a_cpu(tmp_path: Path) -> None:
    async def story(process: subprocess.Popen[str]) -> None:
        client = await connected(tmp_path / "qmp.sock", process)
        mpidr = []
        for _ in range(2):
            arguments = {"driver": DRIVER, "id": "core2", "core-id": 2}
            assert await client.execute("device_add", arguments) == {}
            assert told(await next_event(client)) == ost(1, 0, "core2")
            vcpus: Any = await client.execute("x-query-vcpus")
            mpidr.append(vcpus[2]["mpidr"])
            assert vcpus[2]["kvm"]["state"] in {"stopped", "running"}
            await client.execute("device_del", {"id": "core2"})
            assert told(await next_event(client)) == ost(3, 0x84, "core2")
            gone = {"device": "core2", "path": "/machine/peripheral/core2"}
            assert told(await next_event(client)) == ("DEVICE_DELETED", gone)
            assert told(await next_event(client)) == ost(3, 0)
            vcpus = await client.execute("x-query-vcpus")
            assert vcpus[2]["kvm"] == {"vcpu-id": 2, "created": True, "state": "parked"}
        assert mpidr[0] == mpidr[1]
        await client.execute("quit")
        assert told(await next_event(client))[0] == "SHUTDOWN"
        with contextlib.suppress(EOFError):
            await client.disconnect()

    with daemon(tmp_path) as process:
        run(story(process))
        assert process.wait(TIMEOUT) == 0
    assert not (tmp_path / "qmp.sock").exists()


def test_two_clients_see_the_same_events_and_one_may_leave(tmp_path: Path) -> None:
    monitors = ("-qmp", "unix:a,server=on,wait=off", "-qmp", "unix:b,server=on,wait=off")

    async def story(process: subprocess.Popen[str]) -> None:
        one = await connected(tmp_path / "a", process)
        two = await connected(tmp_path / "b", process)
        await one.execute("stop")
        assert told(await next_event(one)) == told(await next_event(two)) == ("STOP", {})
        await one.disconnect()
        assert await two.execute("query-status") == {"status": "paused", "running": False}
        again = await connected(tmp_path / "a", process)
        await two.execute("cont")
        assert told(await next_event(again)) == told(await next_event(two)) == ("RESUME", {})
        await again.disconnect()
        await two.disconnect()

    with daemon(tmp_path, *monitors) as process:
        run(story(process))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_a_shutdown_event(tmp_path: Path, number: int) -> None:
    async def story(process: subprocess.Popen[str]) -> None:
        client = await connected(tmp_path / "qmp.sock", process)
        process.send_signal(number)
        event = await next_event(client)
        assert told(event) == ("SHUTDOWN", {"guest": False, "reason": "host-signal"})
        with contextlib.suppress(EOFError):
            await client.disconnect()

    with daemon(tmp_path) as process:
        run(story(process))
        assert process.wait(TIMEOUT) == 0
        _, errors = process.communicate()
    assert errors == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_that_come_while_it_ends_do_not_spoil_its_status(
    tmp_path: Path, number: int
) -> None:
    with daemon(tmp_path) as process:
        wait_for(tmp_path / "qmp.sock", process)
        while process.poll() is None:
            process.send_signal(number)
        assert process.communicate() == ("", "")
        assert process.returncode == 0


def test_a_guest_sleeps_and_is_woken_up_by_the_clock_on_the_wall(tmp_path: Path) -> None:
    async def story(process: subprocess.Popen[str]) -> None:
        client = await connected(tmp_path / "qmp.sock", process)
        await client.execute("device_add", {"driver": DRIVER, "id": "c2", "core-id": 2})
        assert told(await next_event(client)) == ost(1, 0, "c2")
        await client.execute("x-guest-suspend")
        assert told(await next_event(client)) == ("SUSPEND", {})
        assert await client.execute("query-status") == {"running": False, "status": "suspended"}
        await client.execute("device_del", {"id": "c2"})
        await client.execute("system_wakeup")
        assert told(await next_event(client)) == ("WAKEUP", {})
        assert told(await next_event(client)) == ost(3, 132, "c2")
        assert (await next_event(client))["event"] == "DEVICE_DELETED"
        assert told(await next_event(client)) == ost(3, 0)
        await client.execute("quit")
        with contextlib.suppress(EOFError):
            await client.disconnect()

    with daemon(tmp_path, "-M", "virt,x-system-suspend=on") as process:
        run(story(process))
        assert process.wait(TIMEOUT) == 0


def test_powerdown_ends_in_a_shutdown_by_the_guest(tmp_path: Path) -> None:
    async def story(process: subprocess.Popen[str]) -> None:
        client = await connected(tmp_path / "qmp.sock", process)
        await client.execute("system_powerdown")
        assert told(await next_event(client)) == ("POWERDOWN", {})
        event = await next_event(client)
        assert told(event) == ("SHUTDOWN", {"guest": True, "reason": "guest-shutdown"})
        with contextlib.suppress(EOFError):
            await client.disconnect()

    with daemon(tmp_path) as process:
        run(story(process))
        assert process.wait(TIMEOUT) == 0


def test_wrong_input_is_answered_and_the_connection_goes_on(tmp_path: Path) -> None:
    async def story(process: subprocess.Popen[str]) -> None:
        client = await connected(tmp_path / "qmp.sock", process)
        for arguments, words in (
            ({"driver": DRIVER, "id": "x", "core-id": 99}, "Invalid core-id 99 specified"),
            ({"driver": DRIVER, "id": "1x", "core-id": 2}, "expects an identifier"),
            ({"driver": DRIVER, "id": None, "core-id": 2}, "Invalid parameter type for 'id'"),
            ({"core-id": 2}, "Parameter 'driver' is missing"),
        ):
            with pytest.raises(ExecuteError, match=words):
                await client.execute("device_add", arguments)
        with pytest.raises(ExecuteError, match="Device 'nope' not found"):
            await client.execute("device_del", {"id": "nope"})
        assert client.events.empty()
        assert await client.execute("query-status") == {"status": "running", "running": True}
        await client.disconnect()

    with daemon(tmp_path) as process:
        run(story(process))


def test_garbage_bytes_do_not_end_a_session(tmp_path: Path) -> None:
    with daemon(tmp_path) as process:
        run(_closed(connected(tmp_path / "qmp.sock", process)))
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(TIMEOUT)
            client.connect(str(tmp_path / "qmp.sock"))
            stream = client.makefile("rwb")
            assert "QMP" in json.loads(stream.readline())
            stream.write(b"\x00\x01 GET / HTTP/1.1\r\n[[[{'\xff{'execute': 'qmp_capabilities'}")
            stream.flush()
            answers = iter(lambda: json.loads(stream.readline()), {"return": {}})
            assert all(answer["error"]["class"] == "GenericError" for answer in answers)
            stream.write(b"{'execute': 'query-name', 'id': [1]}\n")
            stream.flush()
            assert json.loads(stream.readline()) == {"return": {}, "id": [1]}


async def _closed(client: Any) -> None:
    await (await client).disconnect()


def test_the_socket_is_for_its_owner_alone(tmp_path: Path) -> None:
    with daemon(tmp_path) as process:
        run(_closed(connected(tmp_path / "qmp.sock", process)))
        assert stat.S_IMODE((tmp_path / "qmp.sock").stat().st_mode) == 0o600


def test_a_stale_socket_is_replaced_and_a_live_one_is_an_error(tmp_path: Path) -> None:
    with daemon(tmp_path) as first:
        run(_closed(connected(tmp_path / "qmp.sock", first)))
        with daemon(tmp_path) as second:
            _, errors = second.communicate(timeout=TIMEOUT)
            assert second.returncode == 1
            assert errors.startswith("armvirtd: ")
            assert errors.count("\n") == 1
        first.kill()
        first.wait(TIMEOUT)
    assert (tmp_path / "qmp.sock").exists()
    with daemon(tmp_path) as third:
        run(_closed(connected(tmp_path / "qmp.sock", third)))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-nonsense"], "-nonsense: invalid option"),
        (["-smp", "7,maxcpus=6"], "maxcpus must be equal to or greater than smp"),
        (["-cpu", "z80"], "unable to find CPU model 'z80'"),
        (["-device", f"{DRIVER},id=c1,core-id=1"], "cpu(id1=0:0:1:0) with arch-id 1 exist"),
        (["-device", f"{DRIVER},id=c1,core-id=99"], "Invalid core-id 99 specified"),
        (["--trace", "/nonexistent/trace"], "/nonexistent/trace"),
        (["-qmp", "unix:/nonexistent/sock,server=on,wait=off"], "/nonexistent/sock"),
    ],
)
def test_what_cannot_be_started_is_one_clear_line(
    tmp_path: Path,
    options: list[str],
    words: str,
) -> None:
    with daemon(tmp_path, *options) as process:
        _, errors = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 1
    assert errors.startswith("armvirtd: ")
    assert words in errors
    assert errors.count("\n") == 1


def test_a_cold_plugged_cpu_is_there_at_boot_and_cannot_go(tmp_path: Path) -> None:
    async def story(process: subprocess.Popen[str]) -> None:
        client = await connected(tmp_path / "qmp.sock", process)
        with pytest.raises(ExecuteError, match="Hot-unplug of cold-booted CPU not supported!"):
            await client.execute("device_del", {"id": "cold"})
        cpus: Any = await client.execute("query-cpus-fast")
        assert [cpu["cpu-index"] for cpu in cpus] == [0, 1, 3]
        await client.disconnect()

    with daemon(tmp_path, "-device", f"{DRIVER},id=cold,core-id=3") as process:
        run(story(process))


def test_a_single_threaded_accelerator_has_no_hotplug(tmp_path: Path) -> None:
    async def story(process: subprocess.Popen[str]) -> None:
        client = await connected(tmp_path / "qmp.sock", process)
        with pytest.raises(ExecuteError, match="CPU hotplug not supported on this machine"):
            await client.execute("device_add", {"driver": DRIVER, "id": "a", "core-id": 2})
        with pytest.raises(ExecuteError, match="machine does not support hot-plugging CPUs"):
            await client.execute("query-hotpluggable-cpus")
        await client.execute("quit")
        with contextlib.suppress(EOFError):
            await client.disconnect()

    with daemon(tmp_path, "-accel", "tcg,thread=single") as process:
        run(story(process))
        _, errors = process.communicate(timeout=TIMEOUT)
    assert errors.startswith("armvirtd: warning: cpu hotplug feature has been disabled")


def test_a_trace_that_cannot_be_written_ends_and_the_machine_goes_on(tmp_path: Path) -> None:
    async def story(process: subprocess.Popen[str]) -> None:
        client = await connected(tmp_path / "qmp.sock", process)
        arguments = {"driver": DRIVER, "id": "core2", "core-id": 2}
        assert await client.execute("device_add", arguments) == {}
        assert told(await next_event(client)) == ost(1, 0, "core2")
        await client.disconnect()

    with daemon(tmp_path, "--trace", "/dev/full") as process:
        run(story(process))
        process.terminate()
        _, errors = process.communicate(timeout=TIMEOUT)
    assert errors == "armvirtd: /dev/full: No space left on device; the trace ends here\n"


def test_words_that_are_no_utf_8_are_refused(tmp_path: Path) -> None:
    with daemon(tmp_path, "-name", "\udcff") as process:
        _, errors = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 1
    assert errors == "armvirtd: '\\udcff': invalid UTF-8\n"


def test_a_client_that_says_everything_before_the_greeting_is_answered(tmp_path: Path) -> None:
    with daemon(tmp_path) as process:
        run(_closed(connected(tmp_path / "qmp.sock", process)))
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(TIMEOUT)
            client.connect(str(tmp_path / "qmp.sock"))
            client.sendall(b"{'execute': 'qmp_capabilities'}{'execute': 'quit', 'id': 1}")
            said = b"".join(iter(lambda: client.recv(1 << 16), b""))
        assert process.wait(TIMEOUT) == 0
    assert json.loads(said.splitlines()[-1]) == {"return": {}, "id": 1}
