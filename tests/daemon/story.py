"""A client's story with one CPU that comes and goes, told with its times: for scenarios.

What is noted is what an orchestrator would see, refusals and events, the latter each with the
milliseconds since the request, and how the CPU stands in the end on every layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daemon.options.table import parse
from machine.guest.behaviour import MS
from tests.box import Box

if TYPE_CHECKING:
    from collections.abc import Iterator

INDEX = 2
CPU = {"driver": "cortex-a72-arm-cpu", "id": "c2", "core-id": INDEX}
BOOTED = 1000
"""ms that the guest has to boot, as the daemon gives them before it listens."""

STANDS = {
    ("parked", False, False, False, False, "off"): "absent",
    ("stopped", True, True, False, False, "off"): "unknown to the guest",
    ("stopped", True, True, True, False, "off"): "offline",
    ("stopped", True, True, True, False, "on-pending"): "on its way",
    ("running", True, True, True, True, "on"): "online",
    ("running", True, True, True, False, "on"): "stopped by the guest",
    ("internal-error", True, True, True, True, "on"): "failed",
}
"""How a CPU stands: the vCPU, plugged, ACPI's enabled, the guest's enabled and online, PSCI."""


class Story:
    """One machine, and what happens to CPU 2 of 8, of which 2 are there."""

    def __init__(self, *argv: str) -> None:
        self.box = Box(parse(argv), boot=False)
        self.events: list[dict[str, Any]] = []
        self._began = 0
        self.passes(BOOTED)

    def close(self) -> None:
        self.box.close()

    @property
    def now(self) -> int:
        """Milliseconds of virtual time."""
        return self.box.machine.clock.now // MS

    def passes(self, ms: int) -> list[str]:
        """What comes within so long."""
        self.box.runner.advance(ms * MS)
        told = self.box.received()
        self.events += told
        return [self._note(event) for event in told]

    def asks(self, name: str, /, ms: int = 60_000, **arguments: Any) -> list[str]:
        """What comes of a command within so long; its reply only if it is a refusal."""
        self._began = self.box.machine.clock.now
        answer = self.box.ask(name, **arguments)
        refusal = [f"refused: {answer['error']['desc']}"] if "error" in answer else []
        return refusal + self.passes(ms)

    def plugs(self, ms: int = 60_000) -> list[str]:
        """What comes of a plug."""
        return self.asks("device_add", ms, **CPU)

    def unplugs(self, ms: int = 60_000) -> list[str]:
        """What comes of an unplug."""
        return self.asks("device_del", ms, id="c2")

    def recovers(self, *, by_reset: bool = False) -> None:
        """Nothing goes otherwise any more, and the guest is as any."""
        self.box.returned("x-clear-faults")
        self.box.returned(
            "x-guest-set-behaviour",
            **{"kernel": "hotplug", "online": "udev", "online-delay": 0, "isolated": []},
            **{"load": 0, "speed": "instant", "boot-time": 0},
        )
        if by_reset:
            self.box.returned("system_reset")
            self.box.ask("cont")
        self.passes(60_000)

    def stands(self) -> str:
        """How the CPU stands on every layer, pending requests included."""
        vcpu = self.box.returned("x-query-vcpus")[INDEX]
        guest = vcpu.get("guest", {"enabled": False, "online": False})
        layers = (
            vcpu["kvm"]["state"],
            vcpu["vmm"]["plugged"],
            vcpu["acpi"]["enabled"],
            guest["enabled"],
            guest["online"],
            vcpu["psci"],
        )
        return ", ".join([STANDS[layers], *_pending(vcpu["acpi"])])

    def _note(self, event: dict[str, Any]) -> str:
        stamp, data = event["timestamp"], event.get("data", {})
        ns = (stamp["seconds"] * 1_000_000 + stamp["microseconds"]) * 1000
        return " ".join([str((ns - self._began) // MS), event["event"], *_told(data)])


def _pending(acpi: dict[str, Any]) -> Iterator[str]:
    for key in ("insert-pending", "remove-pending"):
        if acpi[key]:
            yield key


def _told(data: dict[str, Any]) -> Iterator[str]:
    """Of an event's data, what differs from one to the other."""
    if "info" in data:
        yield f"({data['info']['source']:#x}, {data['info']['status']:#x})"
    for key in ("reason", "severity", "action"):
        if key in data:
            yield data[key]
