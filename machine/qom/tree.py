"""Paths to objects, and access to their properties (QAPI: qom-list, qom-get, qom-set)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from machine.errors import DeviceNotFoundError, MachineError
from machine.qom.node import Node, Property, container
from machine.qom.values import visit

if TYPE_CHECKING:
    from collections.abc import Callable


class QomTree:
    """The objects of one machine, and what else is mounted beside it."""

    def __init__(self, type_: str, make: Callable[[], Node]) -> None:
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
            DeviceNotFoundError: where there is none.
            MachineError: where the end of a path fits several.
        """
        return self.locate(path)[1]

    def locate(self, path: str) -> tuple[str, Node]:
        """Find an object as `resolve` does; with its canonical path."""
        parts = list(filter(None, path.split("/")))
        if path.startswith("/"):
            found = self._walk("", self.root(), parts)
            matches = [] if found is None else [found]
        else:
            matches = self._search("", self.root(), parts)
        if not matches:
            raise DeviceNotFoundError(f"Device '{path}' not found")
        if len(matches) > 1:
            raise MachineError(f"Path '{path}' is ambiguous")
        return matches[0]

    def properties(self, path: str) -> list[tuple[str, str]]:
        """Names and types of an object's properties; children are properties, too."""
        node = self.resolve(path)
        return [(name, entry.type) for name, entry in node.properties.items()]

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
        entry.set(visit(entry.type, name, value))

    def _walk(self, path: str, node: Node, parts: list[str]) -> tuple[str, Node] | None:
        for name in parts:
            child = node.child(name)
            if child is None:
                return None
            path, node = f"{path}/{name}", child
        return path, node

    def _search(self, path: str, node: Node, parts: list[str]) -> list[tuple[str, Node]]:
        """Every object whose path ends so; leaves have nothing to look into."""
        found = self._walk(path, node, parts)
        matches = [] if found is None else [found]
        for name, make in node.children():
            if node.properties[name].type != "child<irq>":
                matches += self._search(f"{path}/{name}", make(), parts)
        return matches


def _property(node: Node, name: str) -> Property:
    entry = node.properties.get(name)
    if entry is None:
        raise MachineError(f"Property '{node.type}.{name}' not found")
    return entry
