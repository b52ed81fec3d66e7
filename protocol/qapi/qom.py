"""QAPI ``qom``: types and properties of objects."""

from typing import Any

from protocol.model import WireModel


class ObjectPropertyInfo(WireModel):
    """A property of an object or type."""

    name: str
    type: str
    description: str | None = None
    default_value: Any = None


class ObjectTypeInfo(WireModel):
    """A type, as ``qom-list-types`` shows it."""

    name: str
    abstract: bool | None = None
    parent: str | None = None
