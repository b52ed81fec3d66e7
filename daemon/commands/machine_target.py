"""QAPI machine-target and misc-target: CPU models, interrupt controllers."""

from typing import TYPE_CHECKING

from machine.cpu_expansion import expand
from machine.cpu_models import CPU_MODELS
from protocol.command import command
from protocol.errors import QmpError
from protocol.qapi.machine_target import (
    CpuDefinitionInfo,
    CpuModelExpansionInfo,
    CpuModelExpansionType,
    CpuModelInfo,
    GICCapability,
)

if TYPE_CHECKING:
    from daemon.context import Context


@command("query-cpu-definitions", static=True)
def query_cpu_definitions(_context: "Context") -> list[CpuDefinitionInfo]:
    """List the CPU models."""
    return [
        CpuDefinitionInfo(name=model.name, typename=model.typename, static=False, deprecated=False)
        for model in CPU_MODELS.values()
    ]


@command("query-cpu-model-expansion")
def query_cpu_model_expansion(
    context: "Context",
    type: CpuModelExpansionType,  # noqa: A002 - QAPI's name
    model: CpuModelInfo,
) -> CpuModelExpansionInfo:
    """Tell which features a CPU of a model has, and which go together."""
    if type is not CpuModelExpansionType.FULL:
        raise QmpError("The requested expansion type is not supported")
    if "props" in model.model_fields_set and not isinstance(model.props, dict):
        raise QmpError("Invalid parameter type for 'props', expected: dict")
    machine = context.machine
    defaults = machine.cpu_globals if model.name == machine.cpu_model.name else {}
    props = expand(model.name, model.props or {}, defaults)
    return CpuModelExpansionInfo(model=CpuModelInfo(name=model.name, props=props))


@command("query-gic-capabilities", static=True)
def query_gic_capabilities(_context: "Context") -> list[GICCapability]:
    """List the GIC versions that there are."""
    return [GICCapability(version=3, emulated=True, kernel=False)]
