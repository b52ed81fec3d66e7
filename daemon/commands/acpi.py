"""QAPI acpi: what the guest reported."""

from typing import TYPE_CHECKING

from daemon.translate import ost_info
from protocol.command import command
from protocol.qapi.acpi import ACPIOSTInfo

if TYPE_CHECKING:
    from daemon.context import Context


@command("query-acpi-ospm-status")
def query_acpi_ospm_status(context: "Context") -> list[ACPIOSTInfo]:
    """Return the guest's last _OST for each possible CPU."""
    return [ost_info(ost) for ost in context.machine.ospm_status()]
