"""QAPI ``qdev``: the end of a device, and what came in its way."""

from protocol.event import Event


class DeviceDeleted(Event, name="DEVICE_DELETED"):
    """The guest let go of a device and it is gone; its id may be used again."""

    device: str | None = None
    path: str


class DeviceUnplugGuestError(Event, name="DEVICE_UNPLUG_GUEST_ERROR"):
    """The guest refused to let go of a device; it stays, and may be asked for again."""

    device: str | None = None
    path: str
