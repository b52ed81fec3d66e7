"""Events, declared once: their wire data, their introspection and their name are one class.

::

    class AcpiDeviceOst(Event, name="ACPI_DEVICE_OST"):
        \"\"\"The guest reported on a hotplug request.\"\"\"

        info: ACPIOSTInfo

One that may come too often is sent once in an interval (``protocol.throttle``): ``rate=SECOND``,
and ``key="qom_path"`` where each object has an interval of its own.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType, ModuleType
from typing import Any, ClassVar

from protocol.model import WireModel

SECOND = 1_000_000_000
"""Nanoseconds: the rate of every event that QEMU limits."""


class Event(WireModel):
    """Base of all events; the members of a subclass are the event's data."""

    event_name: ClassVar[str]
    rate: ClassVar[int | None]
    key: ClassVar[str | None]

    def __init_subclass__(
        cls, *, name: str, rate: int | None = None, key: str | None = None, **kwargs: Any
    ) -> None:
        """Keep the name under which the event goes over the wire, and how often it does.

        Args:
            name: the wire name.
            rate: nanoseconds in which it is sent but once; None for no limit.
            key: the member that tells apart what is limited each on its own.
            **kwargs: pydantic's.
        """
        super().__init_subclass__(**kwargs)
        cls.event_name, cls.rate, cls.key = name, rate, key


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
