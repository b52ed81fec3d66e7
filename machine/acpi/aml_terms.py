"""AML compiler: named objects and statements (ACPI 6.5 §20.2.5)."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

from machine.acpi.aml_data import Data, data, name_seg, name_string, pkg, super_name, zero


class RegionSpace(IntEnum):
    """RegionSpace of an OperationRegion (ACPI 6.5 §20.2.5.2)."""

    SystemMemory = 0x00
    SystemIO = 0x01
    PCI_Config = 0x02


class AccessType(IntEnum):
    """AccessType of FieldFlags (ACPI 6.5 §20.2.5.2)."""

    AnyAcc = 0
    ByteAcc = 1
    WordAcc = 2
    DWordAcc = 3
    QWordAcc = 4
    BufferAcc = 5


class LockRule(IntEnum):
    """LockRule of FieldFlags (ACPI 6.5 §20.2.5.2)."""

    NoLock = 0
    Lock = 1


class UpdateRule(IntEnum):
    """UpdateRule of FieldFlags (ACPI 6.5 §20.2.5.2)."""

    Preserve = 0
    WriteAsOnes = 1
    WriteAsZeros = 2


# --- Named objects (ACPI 6.5 §20.2.5) -----------------------------------------------------


def scope(path: str, *terms: bytes) -> bytes:
    """DefScope."""
    return pkg(b"\x10", name_string(path), *terms)


def device(path: str, *terms: bytes) -> bytes:
    """DefDevice."""
    return pkg(b"\x5b\x82", name_string(path), *terms)


def name(path: str, value: Data) -> bytes:
    """DefName."""
    return b"\x08" + name_string(path) + data(value)


def alias(source: str, path: str) -> bytes:
    """DefAlias: ``path`` is another name of ``source``."""
    return b"\x06" + name_string(source) + name_string(path)


def external(path: str, object_type: int = 0, args: int = 0) -> bytes:
    """DefExternal."""
    return b"\x15" + name_string(path) + bytes([object_type, args])


def method(
    path: str, args: int, *terms: bytes, serialized: bool = False, sync_level: int = 0
) -> bytes:
    """DefMethod with ``args`` arguments, 0 to 7."""
    if not 0 <= args <= 7 or not 0 <= sync_level <= 15:
        raise ValueError("a method has 0 to 7 arguments and a sync level of 0 to 15")
    flags = args | serialized << 3 | sync_level << 4
    return pkg(b"\x14", name_string(path), bytes([flags]), *terms)


def operation_region(
    path: str, space: RegionSpace, offset_: int | bytes, length: int | bytes
) -> bytes:
    """DefOpRegion."""
    return b"\x5b\x80" + name_string(path) + bytes([space]) + data(offset_) + data(length)


class FieldEntry(NamedTuple):
    """A NamedField of ``bits`` bits, or, without a name, a ReservedField."""

    seg: str | None
    bits: int


class Offset(NamedTuple):
    """Offset macro: the next field begins at this byte."""

    position: int


def named_field(seg: str, bits: int) -> FieldEntry:
    """NamedField: the next ``bits`` bits are called ``seg``."""
    return FieldEntry(seg, bits)


def reserved(bits: int) -> FieldEntry:
    """ReservedField: skip ``bits`` bits."""
    return FieldEntry(None, bits)


def offset(position: int) -> Offset:
    """Offset macro: continue at byte ``position`` of the region."""
    return Offset(position)


def _field_bits(bits: int) -> bytes:
    """The bit count of a FieldElement: coded as a PkgLength that does not count itself."""
    if bits < 1 << 6:
        return bytes([bits])
    extra = next(n for n in (1, 2, 3) if bits < 1 << (4 + 8 * n))
    return bytes([extra << 6 | bits & 0x0F]) + (bits >> 4).to_bytes(extra, "little")


def _field_list(entries: tuple[FieldEntry | Offset, ...]) -> bytes:
    out, at = bytearray(), 0
    for entry in entries:
        item = entry if isinstance(entry, FieldEntry) else reserved(entry.position * 8 - at)
        if item.bits < 0:
            raise ValueError(f"{entry} lies before the field that it follows")
        if item.bits or item.seg:
            out += (name_seg(item.seg) if item.seg else zero) + _field_bits(item.bits)
        at += item.bits
    return bytes(out)


def field(
    region: str,
    access: AccessType,
    lock: LockRule,
    update: UpdateRule,
    *entries: FieldEntry | Offset,
) -> bytes:
    """DefField."""
    flags = access | lock << 4 | update << 5
    return pkg(b"\x5b\x81", name_string(region), bytes([flags]), _field_list(entries))


def create_dword_field(source: Data, index_: int | bytes, seg: str) -> bytes:
    """DefCreateDWordField."""
    return b"\x8a" + data(source) + data(index_) + name_string(seg)


def mutex(path: str, sync_level: int = 0) -> bytes:
    """DefMutex."""
    return b"\x5b\x01" + name_string(path) + bytes([sync_level])


def event(path: str) -> bytes:
    """DefEvent."""
    return b"\x5b\x02" + name_string(path)


# --- Statements (ACPI 6.5 §20.2.5.3) ------------------------------------------------------


def if_(predicate: Data, *terms: bytes) -> bytes:
    """DefIfElse without its Else."""
    return pkg(b"\xa0", data(predicate), *terms)


def else_(*terms: bytes) -> bytes:
    """DefElse; put it right behind an ``if_``."""
    return pkg(b"\xa1", *terms)


def elseif(predicate: Data, *terms: bytes) -> bytes:
    """ElseIf: AML knows only an Else that begins with an If; chained Elses go into ``terms``' end.

    ``if_(a, x) + elseif(b, y) + else_(z)`` would bind ``z`` to the first If, so give the
    rest of the chain to ``elseif_else``.
    """
    return else_(if_(predicate, *terms))


def elseif_else(predicate: Data, terms: bytes, rest: bytes) -> bytes:
    """ElseIf with what follows it: ``rest`` is an ``else_``, ``elseif`` or ``elseif_else``."""
    return else_(if_(predicate, terms), rest)


def while_(predicate: Data, *terms: bytes) -> bytes:
    """DefWhile."""
    return pkg(b"\xa2", data(predicate), *terms)


break_: Final = b"\xa5"
continue_: Final = b"\x9f"


def return_(value: Data = 0) -> bytes:
    """DefReturn."""
    return b"\xa4" + data(value)


def notify(target: str | bytes, value: Data) -> bytes:
    """DefNotify."""
    return b"\x86" + super_name(target) + data(value)


def acquire(target: str | bytes, timeout: int = 0xFFFF) -> bytes:
    """DefAcquire; the timeout is in milliseconds, 0xFFFF waits for ever."""
    return b"\x5b\x23" + super_name(target) + timeout.to_bytes(2, "little")


def release(target: str | bytes) -> bytes:
    """DefRelease."""
    return b"\x5b\x27" + super_name(target)


def call(path: str, *args: Data) -> bytes:
    """MethodInvocation; the number of arguments must be the method's own."""
    return name_string(path) + b"".join(data(arg) for arg in args)


def sleep(milliseconds: int | bytes) -> bytes:
    """DefSleep."""
    return b"\x5b\x22" + data(milliseconds)


def stall(microseconds: int | bytes) -> bytes:
    """DefStall."""
    return b"\x5b\x21" + data(microseconds)
