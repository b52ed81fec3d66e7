"""A flattened device tree, version 17 (Devicetree Specification 0.4 §5), and what its values are.

A tree is a mapping: a name with bytes is a property, a name with a mapping is a child node.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

MAGIC, VERSION, COMPATIBLE = 0xD00D_FEED, 17, 16
BEGIN_NODE, END_NODE, PROP, END = 1, 2, 3, 9

FLAG = b""
"""The value of a property that says all by being there."""

_HEADER = struct.Struct(">10I")

Tree = Mapping[str, object]


def cells(*values: int) -> bytes:
    """Numbers of 32 bits each (§2.2.4, `prop-encoded-array`)."""
    return b"".join(map(_be32, values))


def wide(*values: int) -> bytes:
    """Numbers of 64 bits each: addresses and sizes, where two cells make one."""
    return b"".join(value.to_bytes(8, "big") for value in values)


def strings(*values: str) -> bytes:
    """A string, or a list of them."""
    return b"".join(value.encode() + b"\0" for value in values)


def fdt(root: Tree) -> bytes:
    """Flatten a tree."""
    names: dict[str, int] = {}
    structure = bytearray()
    _put_node(structure, "", root, names)
    structure += _be32(END)
    block = strings(*names)
    reservations = bytes(16)
    at_structure = _HEADER.size + len(reservations)
    at_strings = at_structure + len(structure)
    header = _HEADER.pack(
        MAGIC, at_strings + len(block), at_structure, at_strings, _HEADER.size, VERSION,
        COMPATIBLE, 0, len(block), len(structure),
    )  # fmt: skip
    return header + reservations + bytes(structure) + block


def _put_node(out: bytearray, name: str, content: Tree, names: dict[str, int]) -> None:
    """Append a node: its properties first, then its children (§5.4.2)."""
    out += _be32(BEGIN_NODE) + _padded(strings(name))
    for key, value in content.items():
        if isinstance(value, bytes):
            out += cells(PROP, len(value), _offset(names, key)) + _padded(value)
    for key, value in content.items():
        if isinstance(value, Mapping):
            _put_node(out, key, value, names)
    out += _be32(END_NODE)


def _offset(names: dict[str, int], name: str) -> int:
    """Where a name is, or will be, in the block of strings: each is there once."""
    if name not in names:
        last = next(reversed(names), None)
        names[name] = 0 if last is None else names[last] + len(last) + 1
    return names[name]


def _be32(value: int) -> bytes:
    return value.to_bytes(4, "big")


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
