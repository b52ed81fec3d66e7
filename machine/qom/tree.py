"""Paths to objects, and access to their properties (QAPI: qom-list, qom-get, qom-set)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from machine.errors import DeviceNotFoundError, MachineError
from machine.qom.node import Node, Property, container
from machine.qom.types import TYPES, TypeTable
from machine.qom.values import visit

if TYPE_CHECKING:
    from collections.abc import Callable


LINK = "link<"
LEAF = "child<irq>"


class QomTree:
    """The objects of one machine, and what else is mounted beside it.

    Attributes:
        types: the types of what is in the tree; who mounts others adds theirs.
    """

    def __init__(self, type_: str, make: Callable[[], Node]) -> None:
        self.types = TypeTable(TYPES)
        self._top: dict[str, tuple[str, Callable[[], Node]]] = {}
        self.mount("machine", type_, make)

    def mount(self, name: str, type_: str, make: Callable[[], Node]) -> None:
        """Give the root a child: `/objects`, `/chardevs`.

        Args:
            name: the last part of its path.
            type_: its QOM type, `container` of most.
            make: makes the object, each time that somebody asks for it.
        """
        self._top[name] = type_, make

    def root(self) -> Node:
        """The object `/`."""
        node = container()
        for name, (type_, make) in self._top.items():
            node.add(name, type_, make)
        return node

    def resolve(self, path: str) -> Node:
        """Find an object by its path, or by the end of one.

        Raises:
            DeviceNotFoundError: where there is none, or the end of a path fits several.
        """
        return self.locate(path)[1]

    def locate(self, path: str) -> tuple[str, Node]:
        """Find an object as `resolve` does; with its canonical path."""
        matches = self.matches(path)
        if len(matches) != 1:
            raise DeviceNotFoundError(f"Device '{path}' not found")
        return matches[0]

    def matches(self, path: str) -> list[tuple[str, Node]]:
        """Every object that a path means: without a slash in front it is the end of one."""
        parts = path.split("/") if path else []
        if path.startswith("/"):
            found = self._walk("", self.root(), parts)
            return [] if found is None else [found]
        return self._search("", self.root(), parts)

    def properties(self, path: str) -> list[tuple[str, str]]:
        """Names and types of an object's properties; children are properties, too.

        Raises:
            DeviceNotFoundError: where there is no such object.
            MachineError: where the end of a path fits several.
        """
        matches = self.matches(path)
        if len(matches) > 1:
            raise MachineError(f"Path '{path}' is ambiguous")
        if not matches:
            raise DeviceNotFoundError(f"Device '{path}' not found")
        node = matches[0][1]
        return [(name, entry.type) for name, entry in node.items()]

    def get(self, path: str, name: str) -> Any:
        """Read a property; that of a child is its path.

        Raises:
            DeviceNotFoundError: where there is no such object.
            MachineError: where there is no such property, or it can't be read.
        """
        where, node = self.locate(path)
        entry = _property(node, name)
        if entry.make is not None:
            return f"{where}/{name}"
        if entry.get is None:
            raise MachineError(f"Property '{node.type}.{name}' is not readable")
        return entry.get()

    def set(self, path: str, name: str, value: Any) -> None:
        """Write a property.

        Raises:
            DeviceNotFoundError: where there is no such object.
            MachineError: where there is no such property, it can't be written, or not so.
        """
        node = self.resolve(path)
        entry = _property(node, name)
        if entry.set is None:
            raise MachineError(f"Property '{node.type}.{name}' is not writable")
        if entry.check is not None:
            entry.check()
        value = visit(entry.type, name, value)
        if entry.type.startswith(LINK) and value:
            self._check_target(name, entry.type.removeprefix(LINK).removesuffix(">"), value)
        entry.set(value)

    def _check_target(self, name: str, type_: str, path: str) -> None:
        """Refuse what a link can't lead to."""
        matches = self.matches(path)
        if not matches:
            raise DeviceNotFoundError(f"Device '{path}' not found")
        if len(matches) > 1:
            raise MachineError(f"Path '{path}' does not uniquely identify an object")
        if not self.types.implements(matches[0][1].type, type_):
            raise MachineError(f"Invalid parameter type for '{name}', expected: {type_}")

    def _walk(self, path: str, node: Node, parts: list[str]) -> tuple[str, Node] | None:
        for name in filter(None, parts):
            entry = node.find(name)
            if entry is None:
                return None
            if entry.make is not None:
                path, node = f"{path}/{name}", entry.make()
                continue
            target = self._target(entry)
            if target is None:
                return None
            path, node = target
        return path, node

    def _target(self, entry: Property) -> tuple[str, Node] | None:
        """The object that a link leads to."""
        if not entry.type.startswith(LINK) or entry.get is None:
            return None
        path = entry.get()
        return self._walk("", self.root(), path.split("/")) if path else None

    def _search(self, path: str, node: Node, parts: list[str]) -> list[tuple[str, Node]]:
        """Every object whose path ends so; leaves have nothing to look into."""
        found = self._walk(path, node, parts)
        matches = [] if found is None else [found]
        for name, entry in node.items():
            if entry.make is not None and entry.type != LEAF:
                matches += self._search(f"{path}/{name}", entry.make(), parts)
        return matches


def _property(node: Node, name: str) -> Property:
    entry = node.find(name)
    if entry is None:
        raise MachineError(f"Property '{node.type}.{name}' not found")
    return entry
