"""Events, declared once: their wire data, their introspection and their name are one class.

::

    class AcpiDeviceOst(Event, name="ACPI_DEVICE_OST"):
        \"\"\"The guest reported on a hotplug request.\"\"\"

        info: ACPIOSTInfo
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType, ModuleType
from typing import Any, ClassVar

from protocol.model import WireModel


class Event(WireModel):
    """Base of all events; the members of a subclass are the event's data."""

    event_name: ClassVar[str]

    def __init_subclass__(cls, *, name: str, **kwargs: Any) -> None:
        """Keep the name under which the event goes over the wire."""
        super().__init_subclass__(**kwargs)
        cls.event_name = name


EventTable = Mapping[str, type[Event]]
"""Event classes by wire name."""


def collect_events(modules: Iterable[ModuleType]) -> EventTable:
    """Gather the events that the modules declare.

    Raises:
        ValueError: two classes claim one name.
    """
    table: dict[str, type[Event]] = {}
    for module in modules:
        for event in vars(module).values():
            if not (isinstance(event, type) and issubclass(event, Event) and event is not Event):
                continue
            if table.setdefault(event.event_name, event) is not event:
                raise ValueError(f"event {event.event_name} is declared twice")
    return MappingProxyType(table)
