"""Operators on whole tables (ACPI 6.5 §19.6.77 Load, §19.6.78 LoadTable, §19.6.28 DataTableRegion).

Since ACPI 6.4 Load and LoadTable yield whether the table was loaded, and nothing can be unloaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from machine.guest.aml import names
from machine.guest.aml.access import named
from machine.guest.aml.budget import MAX_TABLE
from machine.guest.aml.errors import (
    AmlError,
    BadTableError,
    FatalError,
    LimitExceededError,
    NotFoundError,
    OperandTypeError,
    UnsupportedError,
)
from machine.guest.aml.fields import SYSTEM_MEMORY, Region
from machine.guest.aml.op_named import define
from machine.guest.aml.tables import HEADER
from machine.guest.aml.values import type_name

if TYPE_CHECKING:
    from machine.guest.aml.access import Builders, Place, Run, Writer
    from machine.guest.aml.context import Context, Frame
    from machine.guest.aml.host import TableAt
    from machine.guest.aml.names import NamePath
    from machine.guest.aml.namespace import Namespace, Node

_BREAKING: Final = (LimitExceededError, FatalError)
"""What is not just a table that could not be loaded."""


def _load(context: Context, source: Place, target: Writer | None) -> Run:
    true = context.mask

    def run(frame: Frame) -> int:
        table = _source(source, frame)
        loaded = true if _loaded(context, table, context.namespace.root, frame) else 0
        if target is not None:
            target(frame, loaded)
        return loaded

    return run


def _source(source: Place, frame: Frame) -> bytes:
    """The table that a region, a field or a Buffer holds."""
    place = source.refer(frame)
    content = getattr(place, "content", None)
    if isinstance(content, Region):
        return _of_region(content)
    value = place.read()
    if not isinstance(value, bytearray):
        raise OperandTypeError(f"Load needs a region, a field or a Buffer, not {type_name(value)}")
    return bytes(value)


def _of_region(region: Region) -> bytes:
    """Read byte by byte."""
    if region.space != SYSTEM_MEMORY:
        raise OperandTypeError("Load needs a region in SystemMemory")
    length = int.from_bytes(_bytes(region, 4, 4), "little")
    if not HEADER <= length <= min(region.length, MAX_TABLE):
        raise BadTableError(f"a region of {region.length} bytes has a table of {length}")
    return _bytes(region, 0, length)


def _bytes(region: Region, start: int, size: int) -> bytes:
    return bytes([region.load(start + at, 1) & 0xFF for at in range(size)])


def _loaded(context: Context, table: bytes, scope: Node, frame: Frame) -> bool:
    try:
        context.load(table, scope, frame.chain)
    except _BREAKING:
        raise
    except AmlError as error:
        context.host.debug(f"Load: {error}")
        return False
    return True


def _find(context: Context, frame: Frame, *texts: Run) -> TableAt | None:
    """The table of the XSDT with this signature, OEM id and OEM table id; empty ones match all."""
    wanted = [text(frame) for text in texts]
    if not all(isinstance(text, str) for text in wanted):
        raise OperandTypeError("a table is found by three Strings")
    return context.host.find_table(*wanted)


def _load_table(  # noqa: PLR0913, PLR0917 - the operands of LoadTable
    context: Context, signature: Run, oem: Run, table: Run, root: Run, parameter: Run, data: Run
) -> Run:
    space, true = context.namespace, context.mask

    def run(frame: Frame) -> int:
        found = _find(context, frame, signature, oem, table)
        root_path, parameter_path, value = root(frame), parameter(frame), data(frame)
        if found is None:
            return 0
        scope = _at(space, frame.scope, root_path) if root_path else space.root
        region = Region(context, SYSTEM_MEMORY, found.address, found.length)
        if not _loaded(context, _of_region(region), scope, frame):
            return 0
        if parameter_path:
            _at(space, scope, parameter_path).write(value)
        return true

    return run


def _at(space: Namespace, scope: Node, path: object) -> Node:
    if not isinstance(path, str):
        raise OperandTypeError(f"a path is a String, not a {type_name(path)}")
    return space.lookup(scope, names.parse(path))


def _unload(_context: Context, place: Place) -> Run:
    def run(frame: Frame) -> None:
        named(place.refer(frame))
        raise UnsupportedError("no table can be unloaded, since ACPI 6.4 has no handles for them")

    return run


def _data_region(context: Context, path: NamePath, *texts: Run) -> Run:
    def run(frame: Frame) -> None:
        found = _find(context, frame, *texts)
        if found is None:
            raise NotFoundError(f"there is no table for the region {path}")
        define(frame, path, Region(context, SYSTEM_MEMORY, found.address, found.length))

    return run


BUILDERS: Final[Builders] = {
    "Load": _load,
    "LoadTable": _load_table,
    "Unload": _unload,
    "DataTableRegion": _data_region,
}
