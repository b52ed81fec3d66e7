"""QAPI ``qdev``: the end of a device."""

from protocol.event import Event


class DeviceDeleted(Event, name="DEVICE_DELETED"):
    """The guest let go of a device and it is gone; its id may be used again."""

    device: str | None = None
    path: str
