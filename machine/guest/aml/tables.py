"""Definition blocks: what makes bytes a table, and how one is executed (ACPI 6.5 §5.2.6, §5.2.11).

The names that a table defines last; those of a method end with it. A table that fails takes its
names with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from machine.guest.aml.budget import MAX_TABLE
from machine.guest.aml.context import Frame
from machine.guest.aml.decode import Block, Code
from machine.guest.aml.errors import BadTableError

if TYPE_CHECKING:
    from machine.guest.aml.context import Chain
    from machine.guest.aml.namespace import Node

HEADER: Final = 36
SIGNATURES: Final = (b"DSDT", b"SSDT", b"PSDT", b"OSDT")


class TableFrame(Frame):
    """A table that is executed."""

    __slots__ = ()
    lasting = True


def checked(table: bytes) -> bytes:
    """The table without what may follow it.

    Raises:
        BadTableError: signature, length or checksum are wrong.
    """
    if len(table) < HEADER:
        raise BadTableError(f"{len(table)} bytes are no table")
    length = int.from_bytes(table[4:8], "little")
    if not HEADER <= length <= min(len(table), MAX_TABLE):
        raise BadTableError(f"a table of {len(table)} bytes says that it has {length}")
    data = bytes(table[:length])
    if data[:4] not in SIGNATURES:
        raise BadTableError(f"{data[:4]!r} is no table of AML")
    if sum(data) & 0xFF:
        raise BadTableError(f"the checksum of {data[:4].decode()} is wrong")
    return data


def execute(code: Code, scope: Node, chain: Chain) -> None:
    """Execute a table in ``scope``; what fails leaves no names behind.

    Raises:
        AmlError: executing it failed.
    """
    frame = TableFrame(chain, scope, [None] * 7)
    try:
        Block(code, HEADER, len(code.data)).run_once(frame)
    except BaseException:
        for node in reversed(frame.created):
            if node.alive:
                node.remove()
        raise
