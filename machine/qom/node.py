"""Objects and their properties, as a client of the object tree meets them.

A child is a property, too: of type `child<...>`, its value the child's path (QEMU: qom/object).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from machine.cpu import CpuSlot


class Property(NamedTuple):
    """A property of one object.

    Attributes:
        type: as `qom-list` shows it: bool, string, int32, uint64, link<irq>, child<irq>...
        get: its value; None where it can't be read.
        set: takes a value that fits the type; None where it can't be written.
        check: raises where it can't be written now, before anyone looks at the value.
        make: of a child, the object.
    """

    type: str
    get: Callable[[], Any] | None = None
    set: Callable[[Any], None] | None = None
    check: Callable[[], None] | None = None
    make: Callable[[], Node] | None = None


def _identity(value: object) -> object:
    return value


@dataclass(slots=True)
class Node:
    """An object of the tree.

    Attributes:
        type: its QOM type.
        properties: by name, in the order in which they are listed.
        slot: the possible CPU that it occupies, if it is one.
        device: whether it is a device.
    """

    type: str
    properties: dict[str, Property] = field(default_factory=dict)
    slot: CpuSlot | None = None
    device: bool = False

    def __post_init__(self) -> None:
        self.properties = {"type": Property("string", partial(_identity, self.type))} | (
            self.properties
        )

    def show(self, name: str, type_: str, value: object) -> None:
        """Give it a property that only tells a value."""
        self.properties[name] = Property(type_, partial(_identity, value))

    def add(self, name: str, type_: str, make: Callable[[], Node]) -> None:
        """Give it a child of type `type_`, which `make` makes whenever it is asked for."""
        self.properties[name] = Property(f"child<{type_}>", make=make)

    def children(self) -> Iterator[tuple[str, Callable[[], Node]]]:
        """Names of the children, and what makes each."""
        for name, entry in self.properties.items():
            if entry.make is not None:
                yield name, entry.make

    def child(self, name: str) -> Node | None:
        """The child of a name, if there is one."""
        entry = self.properties.get(name)
        return entry.make() if entry is not None and entry.make is not None else None


def container() -> Node:
    """An object that only holds others."""
    return Node("container")
