"""QAPI ``char``: character devices."""

from protocol.model import WireModel


class ChardevInfo(WireModel):
    """One character device: its id, what it is connected to, and whether anyone listens."""

    label: str
    filename: str
    frontend_open: bool


class ChardevBackendInfo(WireModel):
    """A kind of character device."""

    name: str
