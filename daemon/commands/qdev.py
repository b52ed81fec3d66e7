"""QAPI qdev: devices come and go."""

from typing import TYPE_CHECKING, Any

from protocol.command import command
from protocol.model import WireModel

if TYPE_CHECKING:
    from daemon.context import Context


class DeviceAddArguments(WireModel):
    """What any device takes; its own properties come besides."""

    driver: str
    bus: str | None = None
    id_: str | None = None


@command(
    "device_add",
    gen=False,
    arguments=DeviceAddArguments,
    features=("json-cli", "json-cli-hotplug"),
)
def device_add(context: "Context", arguments: dict[str, Any]) -> None:
    """Plug a CPU; the guest reports by ACPI_DEVICE_OST what became of it."""
    context.machine.device_add(arguments)


@command("device_del")
def device_del(context: "Context", id: str) -> None:  # noqa: A002 - QAPI's name
    """Ask the guest to give a CPU back; DEVICE_DELETED tells that it is gone."""
    context.machine.device_del(id)
