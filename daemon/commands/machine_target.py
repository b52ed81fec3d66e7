"""QAPI machine-target and misc-target: CPU models, interrupt controllers."""

from typing import TYPE_CHECKING

from machine.cpu_models import CPU_MODELS
from protocol.command import command
from protocol.qapi.machine_target import CpuDefinitionInfo, GICCapability

if TYPE_CHECKING:
    from daemon.context import Context


@command("query-cpu-definitions", static=True)
def query_cpu_definitions(_context: "Context") -> list[CpuDefinitionInfo]:
    """List the CPU models."""
    return [
        CpuDefinitionInfo(name=model.name, typename=model.typename, static=False, deprecated=False)
        for model in CPU_MODELS.values()
    ]


@command("query-gic-capabilities", static=True)
def query_gic_capabilities(_context: "Context") -> list[GICCapability]:
    """List the GIC versions that there are."""
    return [GICCapability(version=3, emulated=True, kernel=False)]
