"""The device tree that x0 points to, unflattened (Linux: drivers/of/fdt.c, drivers/of/base.c).

Devicetree Specification 0.4 §5 for the blob, §2 for what nodes and properties are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from machine.guest.firmware import FirmwareError, load_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from machine.guest.platform import Platform

MAGIC = 0xD00D_FEED
HEADER_SIZE = 40
MAX_SIZE = 2 << 20
"""Bytes; a larger blob is none (Documentation/arch/arm64/booting.rst)."""
BEGIN_NODE, END_NODE, PROP, NOP, END = 1, 2, 3, 4, 9
CELL = 4
DEFAULT_ADDRESS_CELLS, DEFAULT_SIZE_CELLS = 2, 1
"""Where a parent does not say (§2.3.5)."""


@dataclass(slots=True)
class Node:
    """A node, with what is below it."""

    name: str
    parent: Node | None = None
    properties: dict[str, bytes] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)

    def __str__(self) -> str:
        """Its path, as Linux prints it."""
        above = "" if self.parent is None or self.parent.parent is None else str(self.parent)
        return f"{above}/{self.name}"

    def child(self, name: str) -> Node | None:
        """The child of a name, which may be given without its unit address."""
        found = (node for node in self.children if name in {node.name, node.name.split("@")[0]})
        return next(found, None)

    def find(self, path: str) -> Node | None:
        """What is at a path from here on, which may begin with an alias instead of a slash."""
        first, *rest = path.split("/")
        if first:
            aliases = self.child("aliases")
            target = aliases.string(first) if aliases is not None else ""
            return self.find("/".join([target, *rest])) if target.startswith("/") else None
        node: Node | None = self if rest else None
        for name in filter(None, rest):
            node = node.child(name) if node is not None else None
        return node

    def walk(self) -> Iterator[Node]:
        """This node and all below it, in the order of the tree."""
        yield self
        for node in self.children:
            yield from node.walk()

    def compatible(self, *names: str) -> Node | None:
        """The first node from here on that is compatible with one of these."""
        wanted = set(names)
        found = (node for node in self.walk() if wanted & set(node.strings("compatible")))
        return next(found, None)

    def strings(self, name: str) -> list[str]:
        """A property that is a list of strings; empty where there is none."""
        return self.properties.get(name, b"").decode("utf-8", "replace").split("\0")[:-1]

    def string(self, name: str) -> str:
        """A property that is a string; empty where there is none."""
        return next(iter(self.strings(name)), "")

    def cells(self, name: str) -> list[int]:
        """A property that is a list of 32-bit cells; empty where there is none."""
        value = self.properties.get(name, b"")
        return [_be32(value, at) for at in range(0, len(value) - CELL + 1, CELL)]

    def cell(self, name: str, default: int) -> int:
        """A property that is one cell."""
        return next(iter(self.cells(name)), default)

    def reg(self) -> list[tuple[int, int]]:
        """Addresses and sizes of `reg`, as wide as the parent says (§2.3.6)."""
        above = self.parent or self
        wide = above.cell("#address-cells", DEFAULT_ADDRESS_CELLS)
        step = wide + above.cell("#size-cells", DEFAULT_SIZE_CELLS)
        cells = self.cells("reg")
        entries = (cells[at : at + step] for at in range(0, len(cells) - step + 1, max(step, 1)))
        return [(_number(entry[:wide]), _number(entry[wide:])) for entry in entries]


def load_tree(platform: Platform, address: int) -> Node:
    """Load the blob at an address, and unflatten it.

    Raises:
        FirmwareError: there is none, or it is broken.
    """
    header = load_bytes(platform, address, HEADER_SIZE)
    size = _be32(header, 4)
    if _be32(header, 0) != MAGIC or size > MAX_SIZE:
        raise FirmwareError("no device tree")
    return unflatten(load_bytes(platform, address, size))


def unflatten(blob: bytes) -> Node:
    """Make nodes of a blob.

    Raises:
        FirmwareError: it is broken.
    """
    try:
        return _unflatten(blob, at=_be32(blob, 8), strings=_be32(blob, 12))
    except (IndexError, ValueError):
        raise FirmwareError("invalid device tree") from None


def _unflatten(blob: bytes, *, at: int, strings: int) -> Node:
    """Walk the structure block; `root` stands above the tree's root, which has no name."""
    above = root = Node("")
    while (token := _be32(blob, at)) != END:
        at += CELL
        if token == BEGIN_NODE:
            name, at = _name(blob, at)
            node = Node(name, above)
            above.children.append(node)
            above = node
        elif token == END_NODE:
            above = _up(above)
        elif token == PROP:
            length, offset = _be32(blob, at), _be32(blob, at + CELL)
            above.properties[_c_string(blob, strings + offset)] = blob[at + 8 : at + 8 + length]
            at = _align(at + 8 + length)
        elif token != NOP:
            raise ValueError(token)
    (tree,) = root.children
    tree.parent = None
    return tree


def _up(node: Node) -> Node:
    if node.parent is None:
        raise ValueError("one end too many")
    return node.parent


def _name(blob: bytes, at: int) -> tuple[str, int]:
    """A node's name, and where its content begins."""
    name = _c_string(blob, at)
    return name, _align(at + len(name) + 1)


def _be32(data: bytes, at: int) -> int:
    cell = data[at : at + CELL]
    if len(cell) < CELL:
        raise IndexError(at)
    return int.from_bytes(cell, "big")


def _number(cells: list[int]) -> int:
    value = 0
    for cell in cells:
        value = value << 32 | cell
    return value


def _c_string(data: bytes, at: int) -> str:
    return data[at : data.index(0, at)].decode("ascii")


def _align(at: int) -> int:
    return at + CELL - 1 & -CELL
