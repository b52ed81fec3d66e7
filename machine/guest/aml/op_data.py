"""Operators on strings, buffers and packages (ACPI 6.5 §20.2.5.4)."""

from __future__ import annotations

import operator
from functools import partial
from typing import TYPE_CHECKING, Final

from machine.guest.aml import access, convert
from machine.guest.aml.budget import check_bytes, check_chars, check_elements, steps_of
from machine.guest.aml.errors import OperandTypeError, OutOfBoundsError
from machine.guest.aml.names import NamePath
from machine.guest.aml.namespace import NameReference, Node
from machine.guest.aml.op_arithmetic import compare
from machine.guest.aml.values import (
    ByteOf,
    CharOf,
    Element,
    ObjectType,
    Package,
    Reference,
    Temporary,
    Value,
    cost,
    element,
    type_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine.guest.aml.access import Builders, Place, Run, Term, Writer
    from machine.guest.aml.context import Context, Frame
    from machine.guest.aml.decode import Source


def _buffer(_context: Context, size: Run, content: bytes) -> Run:
    def run(frame: Frame) -> bytearray:
        length = check_bytes(max(size(frame), len(content)))
        frame.chain.budget.spend(steps_of(length))
        return bytearray(content.ljust(length, b"\0"))

    return run


def _package(_context: Context, count: Run | int, elements: list[Term | NamePath]) -> Run:
    def run(frame: Frame) -> Package:
        length = count if isinstance(count, int) else count(frame)
        frame.chain.budget.spend(check_elements(length))
        package = Package([_element(frame, item) for item in elements[:length]])
        package.extend([None] * (length - len(package)))
        return package

    return run


def _element(frame: Frame, item: Term | NamePath) -> Value:
    """An element; a name stays one if it is a table that executes, for it may come later."""
    if isinstance(item, NamePath):
        name = NameReference(frame.scope, item)
        return name if frame.lasting else name.settled()
    value: Value = item.run(frame)
    return value


def _result(frame: Frame, value: Value, to: Writer | None) -> Value:
    """Store what an operator has made, if there is somewhere to, and pay for it."""
    frame.chain.budget.spend(cost(value))
    if to is not None:
        to(frame, value)
    return value


# --- Concatenate, Mid ---------------------------------------------------------------------


def _object_text(value: Value) -> Value:
    """Data as it is; anything else as the text that Concatenate makes of it."""
    if isinstance(value, int | str | bytearray):
        return value
    name = ObjectType(value.object_type()).name if isinstance(value, Reference) else None
    return f"[{name or type_name(value)} Object]"


def concatenate(left: Value, right: Value, size: int) -> Value:
    """Concatenate; the type of the left operand decides (§19.6.12)."""
    one, two = _object_text(left), _object_text(right)
    if isinstance(one, str):
        text = one + convert.to_string(two, size)
        check_chars(len(text))
        return text
    if isinstance(one, int):
        two = convert.to_integer(two, size)
    return _sum(convert.to_buffer(one, size), convert.to_buffer(two, size))


def _sum(one: bytearray, two: bytearray) -> bytearray:
    check_bytes(len(one) + len(two))
    return one + two


def _templates(left: Value, right: Value, _size: int) -> Value:
    """ConcatenateResTemplate: one End Tag behind the descriptors of both (§19.6.13)."""
    return _sum(_without_end(left), _without_end(right) + b"\x79\x00")


def _without_end(value: Value) -> bytearray:
    if not isinstance(value, bytearray):
        raise OperandTypeError(f"a {type_name(value)} is no resource template")
    at = 0
    while at < len(value):
        lead = value[at]
        if lead & 0xF8 == 0x78:
            return value[:at]
        large = lead & 0x80
        at += 3 + int.from_bytes(value[at + 1 : at + 3], "little") if large else 1 + (lead & 7)
    if not value:
        return value[:]
    raise OperandTypeError("a resource template without End Tag")


def _joined(
    function: Callable[[Value, Value, int], Value],
    context: Context,
    left: Run,
    right: Run,
    to: Writer | None,
) -> Run:
    size = context.size

    def run(frame: Frame) -> Value:
        return _result(frame, function(left(frame), right(frame), size), to)

    return run


def _mid(context: Context, source: Run, start: Run, length: Run, to: Writer | None) -> Run:
    def run(frame: Frame) -> Value:
        whole = source(frame)
        if not isinstance(whole, str | bytearray):
            whole = convert.to_buffer(whole, context.size)
        first = start(frame)
        return _result(frame, whole[first : first + length(frame)], to)

    return run


# --- Explicit conversions -----------------------------------------------------------------


def _explicit_integer(value: Value, size: int) -> Value:
    if isinstance(value, str):
        return convert.explicit_integer(value, size)
    return convert.to_integer(value, size)


def _explicit_buffer(value: Value, size: int) -> Value:
    return bytearray(convert.to_buffer(value, size))


def _decimal(value: Value, _size: int) -> Value:
    return convert.decimal_string(value)


def _converted(
    function: Callable[[Value, int], Value], context: Context, source: Run, to: Writer | None
) -> Run:
    size = context.size

    def run(frame: Frame) -> Value:
        return _result(frame, function(source(frame), size), to)

    return run


def _to_string(context: Context, source: Run, length: Run, to: Writer | None) -> Run:
    def run(frame: Frame) -> Value:
        data = convert.to_buffer(source(frame), context.size)
        text = data[: length(frame)].split(b"\0", 1)[0].decode("latin-1")
        check_chars(len(text))
        return _result(frame, text, to)

    return run


# --- References ---------------------------------------------------------------------------


def _index(context: Context, source: Source, index: Run, to: Writer | None) -> Run:
    def run(frame: Frame) -> Value:
        reference = indexed(source.run(frame), index(frame), source.place, frame)
        if to is not None:
            to(frame, reference)
        return reference

    del context
    return run


def indexed(value: Value, index: int, place: Place | None, frame: Frame) -> Reference:
    """The reference that Index yields."""
    if isinstance(value, Package):
        return Element(value, index)
    if isinstance(value, bytearray):
        return ByteOf(value, index)
    if isinstance(value, str):
        return CharOf(place.refer(frame) if place else Temporary(value), value, index)
    raise OperandTypeError(f"Index needs a Buffer, String or Package, not a {type_name(value)}")


def _deref_of(context: Context, source: Run) -> Run:
    space = context.namespace

    def run(frame: Frame) -> Value:
        return access.dereferenced(source(frame), space, frame.scope).read()

    return run


def _ref_of(_context: Context, place: Place) -> Run:
    return lambda frame: access.reference(place.refer(frame))


def _cond_ref_of(
    context: Context, find: Callable[[Frame], Reference | None], to: Writer | None
) -> Run:
    true = context.mask

    def run(frame: Frame) -> int:
        found = find(frame)
        if found is None:
            return 0
        if to is not None:
            to(frame, access.reference(found))
        return true

    return run


def _object_type(_context: Context, place: Place) -> Run:
    return lambda frame: int(place.refer(frame).object_type())


def _size_of(context: Context, place: Place) -> Run:
    size = context.size

    def run(frame: Frame) -> int:
        value = access.follow(place.refer(frame).read())
        value = value.read() if isinstance(value, Node) else value
        if isinstance(value, int):
            return size
        if isinstance(value, str | bytearray | Package):
            return len(value)
        raise OperandTypeError("SizeOf needs a Buffer, String or Package")

    return run


# --- Match --------------------------------------------------------------------------------

_MATCHES: Final = {
    1: operator.eq,
    2: operator.le,
    3: operator.lt,
    4: operator.ge,
    5: operator.gt,
}


def _matches(kind: int, value: Value, wanted: Value, size: int) -> bool:
    if not kind:
        return True
    try:
        return compare(_MATCHES[kind], value, wanted, size)
    except (OperandTypeError, OutOfBoundsError):
        return False


def _match(  # noqa: PLR0913, PLR0917 - the operands of Match
    context: Context, package: Run, kind1: int, value1: Run, kind2: int, value2: Run, start: Run
) -> Run:
    if max(kind1, kind2) > 5:
        raise OperandTypeError("Match knows the operators 0 to 5")
    size, none = context.size, context.mask

    def run(frame: Frame) -> int:
        elements = package(frame)
        one, two, first = value1(frame), value2(frame), start(frame)
        if not isinstance(elements, Package):
            raise OperandTypeError("Match needs a Package")
        spend, each = frame.chain.budget.spend, 1 + cost(one) + cost(two)
        for at in range(first, len(elements)):
            value = element(elements, at)
            spend(each + cost(value))
            if _matches(kind1, value, one, size) and _matches(kind2, value, two, size):
                return at
        return none

    return run


BUILDERS: Final[Builders] = {
    "Buffer": _buffer,
    "Package": _package,
    "VarPackage": _package,
    "Concatenate": partial(_joined, concatenate),
    "ConcatenateResTemplate": partial(_joined, _templates),
    "Mid": _mid,
    "ToInteger": partial(_converted, _explicit_integer),
    "ToBuffer": partial(_converted, _explicit_buffer),
    "ToHexString": partial(_converted, convert.hex_string),
    "ToDecimalString": partial(_converted, _decimal),
    "ToString": _to_string,
    "Index": _index,
    "DerefOf": _deref_of,
    "RefOf": _ref_of,
    "CondRefOf": _cond_ref_of,
    "ObjectType": _object_type,
    "SizeOf": _size_of,
    "Match": _match,
}
