"""`make demo`: a guest scaled from 2 to 8 CPUs and back, every step of every layer shown.

A daemon of its own in a temporary folder, a client that is QEMU's (qemu.qmp), and the daemon's
trace, which is the story. Whatever should come and does not is an error.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qemu.qmp import QMPClient, QMPError

from daemon.arguments import INTERRUPTED, seconds
from daemon.demo_story import Point, Story

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Callable, Sequence

BOOT_CPUS, MAX_CPUS = 2, 8
SOCKET = "qmp.sock"
QUIET = 0.02
"""Seconds without a line after which a step has told all."""
LINE_LIMIT = 1 << 20
EVENTS = ("ACPI_DEVICE_OST", "DEVICE_DELETED")

PLUGGED = ["ACPI_DEVICE_OST 1/0"]
UNPLUGGED = ["ACPI_DEVICE_OST 3/132", "DEVICE_DELETED", "ACPI_DEVICE_OST 3/0"]


class DemoError(Exception):
    """Something did not come, or was not as it must be; the text is one line."""


class Daemon:
    """A daemon, and its trace as it comes.

    Args:
        process: the daemon, its trace at standard error.
        story: is told each point.
        timeout: seconds to wait for anything.
    """

    def __init__(self, process: Process, story: Story, timeout: float) -> None:
        self._process = process
        self._story = story
        self._timeout = timeout
        self._last = ""
        self._news = asyncio.Event()
        self._waiting: Callable[[Point], bool] | None = None
        self._met = asyncio.Event()
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        stream = self._process.stderr
        if stream is None:
            raise AssertionError("a daemon without a pipe")
        while line := await stream.readline():
            self._last = line.decode().rstrip()
            self._take(Point.parse(self._last))

    def _take(self, point: Point | None) -> None:
        if point is None:
            return
        self._story.tell(point)
        self._news.set()
        if self._waiting is not None and self._waiting(point):
            self._met.set()

    @contextlib.asynccontextmanager
    async def until(self, what: str, when: Callable[[Point], bool]) -> AsyncIterator[None]:
        """On leaving, wait for a point that is so, and then for the trace to fall silent.

        Raises:
            DemoError: where it does not come.
        """
        self._met.clear()
        self._waiting = when
        yield
        await self.within(what, self._met.wait())
        await self._silence()

    async def within(self, what: str, awaited: Any) -> Any:
        """Wait for something while the daemon lives.

        Raises:
            DemoError: where it does not come in time, or the daemon ends before.
        """
        task = asyncio.ensure_future(awaited)
        await asyncio.wait(
            {task, self.reading}, timeout=self._timeout, return_when=asyncio.FIRST_COMPLETED
        )
        if task.done():
            return task.result()
        task.cancel()
        if self.reading.done():
            self.reading.result()
            raise DemoError(f"the daemon ended while waiting for {what}: {self._last}")
        raise DemoError(f"{what} did not come within {self._timeout:g} s")

    async def _silence(self) -> None:
        with contextlib.suppress(TimeoutError):
            while True:
                self._news.clear()
                await asyncio.wait_for(self._news.wait(), QUIET)

    async def end(self) -> int:
        """Wait for its end, or bring it about; its exit status."""
        try:
            status = await asyncio.wait_for(self._process.wait(), self._timeout)
        except TimeoutError:
            self._process.kill()
            raise DemoError("the daemon did not end") from None
        await self.reading
        return status

    async def abandon(self) -> None:
        """End it if it still runs."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        await self.reading


async def start(folder: str, story: Story, timeout: float) -> Daemon:  # noqa: ASYNC109 - of each
    """Start a daemon in a folder, its trace on a pipe."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "daemon", "-name", "demo", "-smp"),
        *(f"{BOOT_CPUS},maxcpus={MAX_CPUS}", "-qmp", f"unix:{SOCKET},server=on,wait=off"),
        *("--trace", "-"),
        cwd=folder,
        stderr=asyncio.subprocess.PIPE,
        limit=LINE_LIMIT,
    )
    return Daemon(process, story, timeout)


class Demo:
    """The play: boot, six plugs, six unplugs, the end."""

    def __init__(self, daemon: Daemon, story: Story, write: Callable[[str], None]) -> None:
        self._daemon = daemon
        self._story = story
        self._write = write
        self._client = QMPClient("demo")

    async def play(self, folder: str) -> None:
        """Play it.

        Raises:
            DemoError: where something is not as it must be.
        """
        self._story.heading(f"The machine: {BOOT_CPUS} of {MAX_CPUS} possible CPUs, and its boot")
        last = BOOT_CPUS - 1
        async with self._daemon.until("the boot of the guest", masks(last, "True", "True")):
            pass
        self._story.heading("A client connects")
        await self._daemon.within("a connection", self._client.connect(str(Path(folder, SOCKET))))
        try:
            await self._scale()
            self._story.heading("quit")
            await self._execute("quit")
        finally:
            with contextlib.suppress(EOFError, QMPError, OSError):
                await self._client.disconnect()

    async def _scale(self) -> None:
        kind = (await self._execute("query-hotpluggable-cpus"))[0]["type"]
        with self._client.listener(EVENTS) as events:
            for n in range(BOOT_CPUS, MAX_CPUS):
                self._story.heading(f"Plug: from {n} to {n + 1} CPUs")
                arguments = {"driver": kind, "id": f"core{n}", "core-id": n}
                async with self._daemon.until(f"CPU{n} online", masks(n, "True", "True")):
                    await self._execute("device_add", arguments)
                    await self._expect(events, PLUGGED)
            await self._table(MAX_CPUS)
            for n in reversed(range(BOOT_CPUS, MAX_CPUS)):
                self._story.heading(f"Unplug: from {n + 1} to {n} CPUs")
                async with self._daemon.until(f"CPU{n} gone", ejected(n)):
                    await self._execute("device_del", {"id": f"core{n}"})
                    await self._expect(events, UNPLUGGED)
            await self._table(BOOT_CPUS)

    async def _execute(self, command: str, arguments: dict[str, object] | None = None) -> Any:
        return await self._daemon.within(
            f"the reply to {command}", self._client.execute(command, arguments)
        )

    async def _expect(self, events: Any, expected: Sequence[str]) -> None:
        for wanted in expected:
            event = await self._daemon.within(wanted, events.get())
            if summary(event) != wanted:
                raise DemoError(f"{wanted} was to come, but it was {summary(event)}")

    async def _table(self, online: int) -> None:
        self._story.heading(f"x-query-vcpus: each possible vCPU on each layer, {online} online")
        vcpus = await self._execute("x-query-vcpus")
        self._write("")
        for row in table(vcpus):
            self._write(row)
        if sum(vcpu["guest"]["online"] for vcpu in vcpus) != online:
            raise DemoError(f"{online} CPUs were to be online in the guest")


def masks(cpu: int, enabled: str, online: str) -> Callable[[Point], bool]:
    """When the guest's masks say this of a CPU."""
    return lambda point: (
        point.name == "cpu_masks"
        and point.fields == {"cpu": cpu, "enabled": enabled, "online": online}
    )


def ejected(slot: int) -> Callable[[Point], bool]:
    """When the guest has reported that a CPU is ejected."""
    return lambda point: (
        point.name == "cpuhp_acpi_write_ost"
        and point.fields == {"slot": slot, "event": 3, "status": 0}
    )


def summary(event: Any) -> str:
    """An event, and what an _OST says: source and status."""
    info = event["data"].get("info")
    told = f" {info['source']}/{info['status']}" if info else ""
    return f"{event['event']}{told}"


HEADER = (
    "CPU",
    "MPIDR",
    "KVM vCPU",
    "VMM object",
    "GICC",
    "ACPI _STA",
    "last _OST",
    "guest",
    "PSCI",
)


def table(vcpus: Sequence[dict[str, Any]]) -> list[str]:
    """What x-query-vcpus returns, as lines with aligned columns."""
    rows = [HEADER, *(_cells(vcpu) for vcpu in vcpus)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    return [
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _cells(vcpu: dict[str, Any]) -> tuple[str, ...]:
    vmm, acpi, guest = vcpu["vmm"], vcpu["acpi"], vcpu["guest"]
    ost = acpi["last-ost"]
    return (
        str(vcpu["index"]),
        f"{vcpu['mpidr']:#x}",
        f"{vcpu['kvm']['vcpu-id']} {vcpu['kvm']['state']}",
        vmm.get("qom-path", "-"),
        "open" if vmm["gicc-accessible"] else "closed",
        "0xf enabled" if acpi["enabled"] else "0xd present",
        f"{ost['source']}/{ost['status']}",
        " ".join(mask for mask in ("present", "enabled", "online") if guest[mask]),
        vcpu["psci"],
    )


async def run(options: argparse.Namespace, write: Callable[[str], None], *, colour: bool) -> None:
    """Play the demo once, and clean up.

    Raises:
        DemoError: where something is not as it must be.
    """
    story = Story(write, colour=colour, verbose=options.verbose)
    story.legend()
    with tempfile.TemporaryDirectory(prefix="armvirtd-") as folder:
        daemon = await start(folder, story, options.timeout)
        try:
            await Demo(daemon, story, write).play(folder)
            status = await daemon.end()
        except QMPError as error:
            raise DemoError(f"QMP: {error}") from None
        finally:
            await daemon.abandon()
    if status != 0:
        raise DemoError(f"the daemon ended with status {status}")
    write(f"\nFrom {BOOT_CPUS} to {MAX_CPUS} CPUs and back. Not one vCPU was created or destroyed.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; gives the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m daemon.demo",
        description=f"Scale a guest from {BOOT_CPUS} to {MAX_CPUS} CPUs and back, and show how.",
    )
    parser.add_argument("--verbose", action="store_true", help="show every register access, too")
    parser.add_argument(
        "--timeout", type=seconds, default=30.0, help="seconds to wait for anything, default 30"
    )
    options = parser.parse_args(argv)
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    try:
        asyncio.run(run(options, lambda line: print(line, flush=True), colour=colour))  # noqa: T201
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)  # noqa: T201 - the one clear line
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        sys.stdout = None
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
