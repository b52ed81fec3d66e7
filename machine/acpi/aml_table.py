"""AML compiler: the 36-byte DESCRIPTION_HEADER before every table (ACPI 6.5 §5.2.6)."""

from __future__ import annotations

import struct
from typing import NamedTuple

_HEADER = struct.Struct("<4sIBB6s8sI4sI")
_CHECKSUM_AT = 9


class Oem(NamedTuple):
    """Who made a table; the defaults are those of the reference machine."""

    oem_id: bytes = b"BOCHS "
    oem_table_id: bytes = b"BXPC    "
    oem_revision: int = 1
    creator_id: bytes = b"BXPC"
    creator_revision: int = 1


BOCHS = Oem()


def table(signature: str, revision: int, body: bytes, oem: Oem = BOCHS) -> bytes:
    """A whole table: header, ``body``, and the checksum that makes all bytes add up to 0."""
    header = _HEADER.pack(
        signature.encode(),
        _HEADER.size + len(body),
        revision,
        0,
        oem.oem_id,
        oem.oem_table_id,
        oem.oem_revision,
        oem.creator_id,
        oem.creator_revision,
    )
    whole = bytearray(header + body)
    whole[_CHECKSUM_AT] = -sum(whole) & 0xFF
    return bytes(whole)


def definition_block(signature: str, revision: int, *terms: bytes, oem: Oem = BOCHS) -> bytes:
    """DefBlockHeader and its TermList: a DSDT or SSDT; revision 2 makes integers 64 bits."""
    return table(signature, revision, b"".join(terms), oem)
