"""Operators that define named objects (ACPI 6.5 §20.2.5.1, §20.2.5.2)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from machine.guest.aml import convert
from machine.guest.aml.decode import Block, Signal
from machine.guest.aml.errors import BadEncodingError, OperandTypeError
from machine.guest.aml.fields import (
    ACCESS_BYTES,
    BankField,
    BufferField,
    IndexField,
    Layout,
    Region,
    RegionField,
    UnitField,
    UpdateRule,
)
from machine.guest.aml.names import NamePath
from machine.guest.aml.namespace import Accessible, NamedObject, Node
from machine.guest.aml.objects import (
    Device,
    Event,
    Method,
    Mutex,
    PowerResource,
    Processor,
    ThermalZone,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine.guest.aml.access import Builders, Run
    from machine.guest.aml.context import Context, Frame
    from machine.guest.aml.field_list import FieldItem
    from machine.guest.aml.values import Value


def define(frame: Frame, path: NamePath, content: Value | NamedObject) -> Node:
    """Create a name that lasts as long as the frame."""
    node = frame.scope.space.create(frame.scope, path, content)
    frame.created.append(node)
    return node


def _inside(frame: Frame, node: Node, body: Block) -> Signal | None:
    outer, frame.scope = frame.scope, node
    try:
        return body.run_once(frame) if frame.lasting else body.run(frame)
    finally:
        frame.scope = outer


def _name(_context: Context, path: NamePath, value: Run) -> Run:
    def run(frame: Frame) -> None:
        define(frame, path, value(frame))

    return run


def _alias(context: Context, source: NamePath, path: NamePath) -> Run:
    space = context.namespace

    def run(frame: Frame) -> None:
        link = space.link(frame.scope, path, space.lookup(frame.scope, source))
        frame.created.append(link)

    return run


def _scope(context: Context, path: NamePath, body: Block) -> Run:
    space = context.namespace
    return lambda frame: _inside(frame, space.lookup(frame.scope, path), body)


def _container(make: Callable[..., NamedObject]) -> Callable[..., Run]:
    """A builder for an object with a scope of its own: ``make`` takes its numbers."""

    def build(_context: Context, path: NamePath, *rest: int | Block) -> Run:
        *numbers, body = rest
        if not isinstance(body, Block):
            raise BadEncodingError(f"{path} has no TermList")
        return lambda frame: _inside(frame, define(frame, path, make(*numbers)), body)

    return build


def _method(_context: Context, path: NamePath, flags: int, body: Block) -> Run:
    body.look_ahead()

    def run(frame: Frame) -> None:
        guard = Mutex(flags >> 4) if flags & 8 else None
        define(frame, path, Method(flags & 7, body, guard))

    return run


def _mutex(_context: Context, path: NamePath, flags: int) -> Run:
    def run(frame: Frame) -> None:
        define(frame, path, Mutex(flags & 0x0F))

    return run


def _event(_context: Context, path: NamePath) -> Run:
    def run(frame: Frame) -> None:
        define(frame, path, Event())

    return run


# --- Regions and fields -------------------------------------------------------------------


def _operation_region(
    context: Context, path: NamePath, space: int, offset: Run, length: Run
) -> Run:
    def run(frame: Frame) -> None:
        define(frame, path, Region(context, space, offset(frame), length(frame)))

    return run


def _region(frame: Frame, path: NamePath) -> Region:
    content = frame.scope.space.lookup(frame.scope, path).content
    if not isinstance(content, Region):
        raise OperandTypeError(f"{path} is no OperationRegion")
    return content


def _register(frame: Frame, path: NamePath) -> Accessible:
    content = frame.scope.space.lookup(frame.scope, path).content
    if not isinstance(content, Accessible):
        raise OperandTypeError(f"{path} is no field")
    return content


def _define_fields(
    frame: Frame,
    flags: int,
    items: list[FieldItem],
    make: Callable[[Layout, UpdateRule], UnitField],
) -> None:
    if flags >> 5 & 3 > UpdateRule.WriteAsZeros:
        raise BadEncodingError(f"FieldFlags {flags:#04x} have no UpdateRule")
    for item in items:
        kind = flags & 0x0F if item.access < 0 else item.access
        unit = ACCESS_BYTES.get(kind)
        if unit is None:
            raise BadEncodingError(f"{item.seg} has no AccessType: {kind:#x}")
        layout = Layout.of(item.bit_offset, item.bits, unit)
        field = make(layout, UpdateRule(flags >> 5 & 3))
        define(frame, NamePath(False, 0, (item.seg,)), field)


def _field(context: Context, region: NamePath, flags: int, items: list[FieldItem]) -> Run:
    def run(frame: Frame) -> None:
        make = partial(RegionField, _region(frame, region), size=context.size)
        _define_fields(frame, flags, items, make)

    return run


def _index_field(
    context: Context, index: NamePath, data: NamePath, flags: int, items: list[FieldItem]
) -> Run:
    def run(frame: Frame) -> None:
        registers = _register(frame, index), _register(frame, data)
        _define_fields(frame, flags, items, partial(IndexField, *registers, size=context.size))

    return run


def _bank_field(  # noqa: PLR0913, PLR0917 - the operands of BankField
    context: Context,
    region: NamePath,
    bank: NamePath,
    value: Run,
    flags: int,
    items: list[FieldItem],
) -> Run:
    def run(frame: Frame) -> None:
        where = _region(frame, region), _register(frame, bank), value(frame)
        _define_fields(frame, flags, items, partial(BankField, where, size=context.size))

    return run


def _buffer_field(bits: int) -> Callable[..., Run]:
    """CreateBitField (its index counts bits) to CreateQWordField (bytes)."""
    scale = 1 if bits == 1 else 8

    def build(context: Context, source: Run, index: Run, path: NamePath) -> Run:
        def run(frame: Frame) -> None:
            buffer, at = convert.to_buffer(source(frame), context.size), index(frame) * scale
            field = BufferField(context, buffer, at, bits, raw=False)
            define(frame, path, field)

        return run

    return build


def _create_field(context: Context, source: Run, index: Run, length: Run, path: NamePath) -> Run:
    def run(frame: Frame) -> None:
        buffer = convert.to_buffer(source(frame), context.size)
        at, bits = index(frame), length(frame)
        if not bits:
            raise OperandTypeError("a field of no bits")
        define(frame, path, BufferField(context, buffer, at, bits, raw=True))

    return run


BUILDERS: Final[Builders] = {
    "Name": _name,
    "Alias": _alias,
    "Scope": _scope,
    "Device": _container(Device),
    "ThermalZone": _container(ThermalZone),
    "Processor": _container(Processor),
    "PowerResource": _container(PowerResource),
    "Method": _method,
    "Mutex": _mutex,
    "Event": _event,
    "OperationRegion": _operation_region,
    "Field": _field,
    "IndexField": _index_field,
    "BankField": _bank_field,
    "CreateField": _create_field,
    "CreateBitField": _buffer_field(1),
    "CreateByteField": _buffer_field(8),
    "CreateWordField": _buffer_field(16),
    "CreateDWordField": _buffer_field(32),
    "CreateQWordField": _buffer_field(64),
}
