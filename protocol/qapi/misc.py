"""QAPI ``misc``: the name of the virtual machine."""

from protocol.model import WireModel


class NameInfo(WireModel):
    """The name given with ``-name``, if any was."""

    name: str | None = None
