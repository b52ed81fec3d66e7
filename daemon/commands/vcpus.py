"""Our own: every possible CPU on every layer at once."""

from typing import TYPE_CHECKING

from daemon.translate import vcpu_info
from protocol.command import command
from protocol.qapi.vcpus import VcpuInfo

if TYPE_CHECKING:
    from daemon.context import Context


@command("x-query-vcpus", allow_oob=True)
def x_query_vcpus(context: "Context") -> list[VcpuInfo]:
    """Show each possible CPU as host kernel, VMM, ACPI, PSCI and the guest see it."""
    return [vcpu_info(context.machine, slot) for slot in context.machine.slots]
