"""QAPI ``acpi``: what the guest said about hotplug by the method ``_OST`` (ACPI 6.5 §6.3.5)."""

from protocol.event import Event
from protocol.model import Int64, QapiEnum, WireModel


class ACPISlotType(QapiEnum):
    """What can be plugged into a slot."""

    DIMM = "DIMM"
    CPU = "CPU"


class ACPIOSTInfo(WireModel):
    """The last report of the guest on one slot."""

    device: str | None = None
    slot: str
    slot_type: ACPISlotType
    source: Int64
    status: Int64


class AcpiDeviceOst(Event, name="ACPI_DEVICE_OST"):
    """The guest evaluated ``_OST`` of a slot."""

    info: ACPIOSTInfo
