"""A flattened device tree, version 17 (Devicetree Specification 0.4 §5), for small trees."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MAGIC, VERSION, COMPATIBLE = 0xD00D_FEED, 17, 16
BEGIN_NODE, END_NODE, PROP, END = 1, 2, 3, 9

_HEADER = struct.Struct(">10I")


def fdt(root: Mapping[str, object]) -> bytes:
    """Flatten a tree of properties (bytes) and child nodes (mappings)."""
    strings = bytearray()
    structure = _node("", root, strings) + _be32(END)
    reservations = bytes(16)
    at_structure = _HEADER.size + len(reservations)
    at_strings = at_structure + len(structure)
    total = at_strings + len(strings)
    header = _HEADER.pack(
        MAGIC, total, at_structure, at_strings, _HEADER.size, VERSION, COMPATIBLE, 0,
        len(strings), len(structure),
    )  # fmt: skip
    return header + reservations + structure + bytes(strings)


def _node(name: str, content: Mapping[str, object], strings: bytearray) -> bytes:
    out = bytearray(_be32(BEGIN_NODE) + _padded(name.encode() + b"\0"))
    for key, value in content.items():
        if isinstance(value, bytes):
            out += _be32(PROP) + _be32(len(value)) + _be32(len(strings)) + _padded(value)
            strings += key.encode() + b"\0"
    for key, value in content.items():
        if isinstance(value, dict):
            out += _node(key, value, strings)
    return bytes(out) + _be32(END_NODE)


def _be32(value: int) -> bytes:
    return value.to_bytes(4, "big")


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
