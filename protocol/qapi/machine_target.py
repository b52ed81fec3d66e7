"""QAPI ``machine-target`` and ``misc-target``: CPU models, interrupt controllers."""

from typing import Any

from protocol.model import Int64, QapiEnum, WireModel


class CpuDefinitionInfo(WireModel):
    """A CPU model that can be asked for with ``-cpu``."""

    name: str
    migration_safe: bool | None = None
    static: bool
    unavailable_features: list[str] | None = None
    typename: str
    alias_of: str | None = None
    deprecated: bool


class CpuModelExpansionType(QapiEnum):
    """How much an expansion tells."""

    STATIC = "static"
    FULL = "full"


class CpuModelInfo(WireModel):
    """A CPU model, and features of it by name."""

    name: str
    props: Any = None


class CpuModelExpansionInfo(WireModel):
    """What a CPU model expands to."""

    model: CpuModelInfo


class GICCapability(WireModel):
    """A version of the GIC, and who can provide it."""

    version: Int64
    emulated: bool
    kernel: bool
