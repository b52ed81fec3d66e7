"""Options that are a QAPI union, as JSON or as keys and values (QEMU: qapi/opts-visitor.c).

Values on a command line are texts. What each is meant to be is known from the models of the union,
and so is that `rules.0.match` is a member of the first element of a list. A key of a list of
numbers may be repeated, and its value may be a range: `cpus=0-3,cpus=8`. What is wrong is told in
the order in which QAPI finds it; so a key that nobody knows is left for last.
"""

from __future__ import annotations

import re
import types
import typing
from typing import TYPE_CHECKING, Any

from daemon.options.json_object import parse_object
from daemon.options.keyval import parse_repeated
from daemon.options.parameters import switch
from daemon.options.sizes import parse_int, parse_size
from daemon.options.usage import UsageError
from protocol.arguments import validate
from protocol.errors import QmpError
from protocol.model import IntegerRange, SizeRange, WireModel, wire_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo

    from protocol.union import FlatUnion

Said = tuple[str, ...]
"""All values that a key was given."""
Tree = dict[str, "Said | Tree"]
"""What was said, by key, dotted keys unfolded."""

RANGE_MOST = 65536
"""Numbers that one range may stand for (QEMU: OPTS_VISITOR_RANGE_MAX)."""

_NAMED = re.compile(r"(Parameter|Invalid parameter type for) '([^']*)'")
_UNEXPECTED = re.compile(r"Parameter '([^']*)' is unexpected")
_RANGE = re.compile(r"([^-]+)-([^-]+)")
_INT64 = range(-(1 << 63), 1 << 63)
_UINT64 = range(1 << 64)


def is_json(text: str) -> bool:
    """Whether an option is in JSON."""
    return text.startswith("{")


def read_members(union: type[FlatUnion], text: str) -> dict[str, Any]:
    """Make of an option what the union's model wants; it is not validated yet.

    Args:
        union: the model; its tag is what a first word without a key is the value of.
        text: the option's argument.

    Raises:
        UsageError: a value is not written as its member's type is.
    """
    if is_json(text):
        return parse_object(text)
    tag = wire_name(union.tag)
    given = parse_repeated(text, tag)
    kind = given.get(tag, ("",))[-1]
    if kind not in union.forms:
        return {key: said[-1] for key, said in given.items()}  # not valid, and is told why
    return _structure(union.forms[kind], _unfolded(given), "")


def read_union(union: type[FlatUnion], text: str) -> Any:
    """Read an option, and check what it says.

    Raises:
        UsageError: in QAPI's words.
    """
    members = read_members(union, text)
    try:
        return validate(union, members, "options")["options"]
    except QmpError as error:
        raise refusal(error, text) from None


def refusal(error: QmpError, text: str) -> UsageError:
    """A refusal of QAPI's, in the words for how the option was written."""
    return UsageError(error.desc if is_json(text) else _by_keys(error.desc))


def _by_keys(desc: str) -> str:
    """In the words for keys: `rules.0.match`, not `rules[0].match`."""
    named = _NAMED.sub(lambda found: re.sub(r"\[(\d+)\]", r".\1", found[0]), desc, count=1)
    unexpected = _UNEXPECTED.fullmatch(named)
    return f"Invalid parameter '{unexpected[1]}'" if unexpected is not None else named


def _unfolded(given: Mapping[str, Said]) -> Tree:
    tree: Tree = {}
    for key, said in given.items():
        *path, last = key.split(".")
        inner = tree
        for part in path:
            below = inner.setdefault(part, {})
            if isinstance(below, tuple):
                raise UsageError(f"Invalid parameter '{key}'")
            inner = below
        if last in inner:
            raise UsageError(f"Invalid parameter '{key}'")
        inner[last] = said
    return tree


def _structure(form: type[WireModel], tree: Tree, path: str) -> dict[str, Any]:
    known = {field.alias: field for field in form.model_fields.values()}
    return {
        key: _member(known[key], value, f"{path}{key}") if key in known else _last(value)
        for key, value in tree.items()
    }


def _last(value: Said | Tree) -> Any:
    """What an unknown key was given: it is refused later on, whatever it is."""
    return value[-1] if isinstance(value, tuple) else value


def _member(field: FieldInfo, given: Said | Tree, path: str) -> Any:
    """A member's value; what pydantic has taken off its annotation is put back."""
    limits = next((entry for entry in field.metadata if isinstance(entry, IntegerRange)), None)
    return _value(field.annotation, given, path, limits)


def _value(
    annotation: Any, given: Said | Tree, path: str, known: IntegerRange | None = None
) -> Any:
    kind, inner = _present(annotation)
    limits = known or inner
    if typing.get_origin(kind) is list:
        return _list(typing.get_args(kind)[0], given, path)
    if issubclass(kind, WireModel):
        if isinstance(given, tuple):
            raise UsageError(f"Invalid parameter type for '{path}', expected: object")
        return _structure(kind, given, f"{path}.")
    if not isinstance(given, tuple):
        raise UsageError(f"Parameters '{path}.*' are unexpected")
    if limits is not None:
        return _number(limits, given[-1], path)
    return switch(path, given[-1]) if kind is bool else given[-1]


def _present(annotation: Any) -> tuple[Any, IntegerRange | None]:
    """The type of a member, whether or not it need be there, and what integers fit."""
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in {typing.Union, types.UnionType}:
        return _present(next(part for part in parts if part is not types.NoneType))
    if origin is typing.Annotated:
        limits = next((part for part in parts[1:] if isinstance(part, IntegerRange)), None)
        return parts[0], limits
    return annotation, None


def _number(limits: IntegerRange, text: str, path: str) -> int:
    """A number of 64 bits; whether it fits its own type is found out later."""
    if isinstance(limits, SizeRange):
        value, expected, fits = parse_size(text), "a size value", _UINT64
    elif limits.low < 0:
        value, expected, fits = parse_int(text), "an int64 value", _INT64
    else:
        value, expected, fits = parse_int(text), "a uint64 value", _UINT64
    if value is None or value not in fits:
        raise UsageError(f"Parameter '{path}' expects {expected}")
    return value


def _list(element: Any, given: Said | Tree, path: str) -> list[Any]:
    if isinstance(given, tuple):
        if _present(element)[1] is None:
            raise UsageError(f"Invalid parameter type for '{path}', expected: array")
        return [number for text in given for number in _numbers(text, path)]
    for number, key in enumerate(given):
        if str(number) not in given:
            raise UsageError(f"Parameter '{path}.{number}' missing")
        if not key.isdigit():
            raise UsageError(f"Invalid parameter '{path}.{key}'")
    return [_value(element, given[str(n)], f"{path}.{n}") for n in range(len(given))]


def _numbers(text: str, path: str) -> Iterator[int]:
    """A number, or all of a range."""
    between = _RANGE.fullmatch(text)
    first, last = map(parse_int, between.groups() if between else (text, text))
    if first is None or last is None or not 0 <= last - first < RANGE_MOST or first < 0:
        raise UsageError(f"Parameter '{path}' expects a uint64 value or range")
    yield from range(first, last + 1)
