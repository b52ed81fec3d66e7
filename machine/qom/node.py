"""Objects and their properties, as a client of the object tree meets them.

A child is a property, too: of type `child<...>`, its value the child's path (QEMU: qom/object).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from machine.cpu import CpuSlot
    from machine.qom.device import Qdev


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


class Many(Protocol):
    """Properties that are too many to make them all when one is wanted."""

    def items(self) -> Iterator[tuple[str, Property]]:
        """All of them."""

    def find(self, name: str) -> Property | None:
        """The one of a name, if there is one."""


_NUMBERED = re.compile(r"(.+)\[(0|[1-9][0-9]{0,8})\]")


@dataclass(frozen=True, slots=True)
class Numbered:
    """Properties `name[0]` and on.

    Attributes:
        name: what stands before the brackets.
        count: how many there are.
        make: makes the one of a number.
    """

    name: str
    count: int
    make: Callable[[int], Property]

    def items(self) -> Iterator[tuple[str, Property]]:
        """All of them."""
        for n in range(self.count):
            yield f"{self.name}[{n}]", self.make(n)

    def find(self, name: str) -> Property | None:
        """The one of a name, if there is one."""
        match = _NUMBERED.fullmatch(name)
        if match is None or match[1] != self.name or int(match[2]) >= self.count:
            return None
        return self.make(int(match[2]))


def child(type_: str, make: Callable[[], Node]) -> Property:
    """A child of type `type_`, which `make` makes whenever it is asked for."""
    return Property(f"child<{type_}>", make=make)


@dataclass(slots=True)
class Node:
    """An object of the tree.

    Attributes:
        type: its QOM type.
        properties: by name, in the order in which they are listed.
        groups: more of them, which are listed behind these.
        slot: the possible CPU that it occupies, if it is one.
        qdev: what it is as a device, if it is one.
    """

    type: str
    properties: dict[str, Property] = field(default_factory=dict)
    groups: list[Many] = field(default_factory=list)
    slot: CpuSlot | None = None
    qdev: Qdev | None = None

    def __post_init__(self) -> None:
        self.properties = {"type": Property("string", partial(_identity, self.type))} | (
            self.properties
        )

    @property
    def device(self) -> bool:
        """Whether it is a device."""
        return self.qdev is not None

    def show(self, name: str, type_: str, value: object) -> None:
        """Give it a property that only tells a value."""
        self.properties[name] = Property(type_, partial(_identity, value))

    def add(self, name: str, type_: str, make: Callable[[], Node]) -> None:
        """Give it a child of type `type_`, which `make` makes whenever it is asked for."""
        self.properties[name] = child(type_, make)

    def items(self) -> Iterator[tuple[str, Property]]:
        """All properties."""
        yield from self.properties.items()
        for group in self.groups:
            yield from group.items()

    def find(self, name: str) -> Property | None:
        """The property of a name, if there is one."""
        found = self.properties.get(name)
        for group in self.groups if found is None else ():
            found = found or group.find(name)
        return found


def lines(name: str, count: int) -> Numbered:
    """Children that are the ends of interrupt lines."""
    return Numbered(name, count, lambda _n: _LINE)


def _line() -> Node:
    return Node("irq")


_LINE = Property("child<irq>", make=_line)


def container() -> Node:
    """An object that only holds others."""
    return Node("container")
