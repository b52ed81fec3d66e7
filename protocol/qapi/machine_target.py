"""QAPI ``machine-target`` and ``misc-target``: CPU models, interrupt controllers."""

from protocol.model import Int64, WireModel


class CpuDefinitionInfo(WireModel):
    """A CPU model that can be asked for with ``-cpu``."""

    name: str
    migration_safe: bool | None = None
    static: bool
    unavailable_features: list[str] | None = None
    typename: str
    alias_of: str | None = None
    deprecated: bool


class GICCapability(WireModel):
    """A version of the GIC, and who can provide it."""

    version: Int64
    emulated: bool
    kernel: bool
