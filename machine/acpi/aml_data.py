"""AML compiler: names, data and PkgLength (ACPI 6.5 §20.2.2 to §20.2.4)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from uuid import UUID

Data = int | str | bytes
"""What a TermArg may be given as: an Integer, a String, or AML already."""


# --- Names (ACPI 6.5 §20.2.2) -------------------------------------------------------------

_LEAD: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_TAIL: Final = _LEAD | frozenset("0123456789")


def name_seg(text: str) -> bytes:
    """Encode a NameSeg, padded with underscores to its four characters."""
    if not 1 <= len(text) <= 4 or text[0] not in _LEAD or not _TAIL.issuperset(text):
        raise ValueError(f"{text!r} is no NameSeg: 1 to 4 of A-Z, 0-9 and _, no digit first")
    return text.ljust(4, "_").encode()


@lru_cache(maxsize=1024)
def name_string(path: str) -> bytes:
    r"""Encode a NameString: ``\`` for the root, ``^`` for a parent, dots between NameSegs.

    Kept, because a table says the same few names hundreds of times.
    """
    tail = path.lstrip("\\^")
    prefix = path[: len(path) - len(tail)]
    if "\\" in prefix[1:] or prefix.startswith("\\^"):
        raise ValueError(f"{path!r} is no NameString: one root, or parents, come first")
    segs = [name_seg(seg) for seg in tail.split(".")] if tail else []
    return prefix.encode() + _name_path(segs)


def _name_path(segs: list[bytes]) -> bytes:
    heads = {0: b"\x00", 1: b"", 2: b"\x2e"}
    return heads.get(len(segs), b"\x2f" + bytes([len(segs) & 0xFF])) + b"".join(segs)


# --- Data (ACPI 6.5 §20.2.3) --------------------------------------------------------------

zero: Final = b"\x00"
one: Final = b"\x01"
ones: Final = b"\xff"


@lru_cache(maxsize=1024)
def integer(value: int) -> bytes:
    """Encode an integer in its shortest form: Zero, One, Ones, Byte, Word, DWord, QWord."""
    if value in {0, 1}:
        return bytes([value])
    if value == 0xFFFF_FFFF_FFFF_FFFF:
        return ones
    for prefix, size in ((b"\x0a", 1), (b"\x0b", 2), (b"\x0c", 4), (b"\x0e", 8)):
        if 0 <= value < 1 << (8 * size):
            return prefix + value.to_bytes(size, "little")
    raise ValueError(f"{value:#x} is no integer of 64 bits")


def dword(value: int) -> bytes:
    """Encode an integer as DWordConst whatever its value, so that it can be patched later."""
    return b"\x0c" + value.to_bytes(4, "little")


def qword(value: int) -> bytes:
    """Encode an integer as QWordConst whatever its value."""
    return b"\x0e" + value.to_bytes(8, "little")


def string(text: str) -> bytes:
    """Encode a String: ASCII without NUL, then NUL."""
    data = text.encode("ascii")
    if 0 in data:
        raise ValueError("a String cannot hold NUL")
    return b"\x0d" + data + b"\x00"


def data(value: Data) -> bytes:
    """Encode what Python holds: int to Integer, str to String; bytes are AML already."""
    if isinstance(value, int):
        return integer(value)
    return string(value) if isinstance(value, str) else bytes(value)


def super_name(value: str | bytes) -> bytes:
    """SuperName: a NameString from text, or an operator that yields an object."""
    return name_string(value) if isinstance(value, str) else value


def target(value: str | bytes | None) -> bytes:
    """Target: a SuperName, or NullName for None."""
    return zero if value is None else super_name(value)


def pkg_length(length: int) -> bytes:
    """Encode the PkgLength of ``length`` bytes that follow it; it counts itself (§20.2.4)."""
    if length + 1 < 1 << 6:
        return bytes([length + 1])
    for extra in (1, 2, 3):
        total = length + 1 + extra
        if total < 1 << (4 + 8 * extra):
            low = extra << 6 | total & 0x0F
            return bytes([low]) + (total >> 4).to_bytes(extra, "little")
    raise ValueError(f"{length} bytes do not fit a PkgLength")


def pkg(opcode: bytes, *parts: bytes) -> bytes:
    """An opcode whose operands are measured by a PkgLength."""
    body = b"".join(parts)
    return opcode + pkg_length(len(body)) + body


def buffer(content: bytes = b"", size: int | None = None) -> bytes:
    """DefBuffer: ``content``, and zeros behind it up to ``size`` bytes."""
    return pkg(b"\x11", integer(len(content) if size is None else size), content)


def package(*elements: Data, count: int | None = None) -> bytes:
    """DefPackage, or DefVarPackage beyond 255; elements up to ``count`` stay uninitialized."""
    total = len(elements) if count is None else count
    body = b"".join(data(element) for element in elements)
    if total <= 0xFF:
        return pkg(b"\x12", bytes([total]), body)
    return pkg(b"\x13", integer(total), body)


def eisaid(text: str) -> bytes:
    """EISAID macro: ``PNP0A06`` to the compressed integer (ACPI 6.5 §19.3.4)."""
    if len(text) != 7 or not all("A" <= letter <= "Z" for letter in text[:3]):
        raise ValueError(f"{text!r} is no EISA id: three capital letters, four hex digits")
    first, second, third = (ord(letter) - 0x40 for letter in text[:3])
    value = first << 26 | second << 21 | third << 16 | int(text[3:], 16)
    return dword(int.from_bytes(value.to_bytes(4, "big"), "little"))


def uuid(text: str) -> bytes:
    """ToUUID macro: a Buffer in the mixed order of bytes (ACPI 6.5 §19.6.142)."""
    return buffer(UUID(text).bytes_le)
