"""What -object says: an object to create, as JSON or as keys and values.

Values on a command line are texts. What each is meant to be is known from the model of the object's
type, and so is that `rules.0.match` is a member of the first element of a list. What is wrong is
told in the order in which QAPI finds it; so a key that nobody knows is left for last.
"""

from __future__ import annotations

import re
import types
import typing
from typing import TYPE_CHECKING, Any

from daemon.options.json_object import parse_object
from daemon.options.keyval import parse_opts
from daemon.options.parameters import IDENTIFIER, switch
from daemon.options.usage import Exit, UsageError
from protocol.errors import QmpError
from protocol.model import WireModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from protocol.qapi.objects import ObjectOptions

Tree = dict[str, "str | Tree"]
"""Texts by key, dotted keys unfolded."""

_HELP = {"help", "?"}
_NAMED = re.compile(r"(Parameter|Invalid parameter type for) '([^']*)'")
_UNEXPECTED = re.compile(r"Parameter '([^']*)' is unexpected")


def parse_object_option(text: str) -> dict[str, Any]:
    """Read -object's argument; the members are as `object-add` takes them.

    Raises:
        UsageError: they are not.
        Exit: it asks what there is.
    """
    from daemon.objects.make import read_options  # noqa: PLC0415 - most daemons have no objects
    from protocol.qapi.objects import ObjectOptions  # noqa: PLC0415 - as above

    if text in _HELP:
        listed = "".join(f"  {name}\n" for name in ObjectOptions.values())
        raise Exit(f"List of user creatable objects:\n{listed}")
    in_keys = not text.startswith("{")
    members = _members(ObjectOptions, text) if in_keys else parse_object(text)
    try:
        options = read_options(members)
    except QmpError as error:
        raise UsageError(_by_keys(error.desc) if in_keys else error.desc) from None
    if not IDENTIFIER.fullmatch(options.id_):
        raise UsageError("Parameter 'id' expects an identifier")
    return members


def _members(union: type[ObjectOptions], text: str) -> dict[str, Any]:
    """Make of texts what the model wants."""
    given = parse_opts(text, "qom-type")
    type_ = given.get("qom-type", "")
    if type_ not in union.forms:
        return dict(given)  # which is not valid, and is told why
    if given.keys() & _HELP:
        raise Exit(_options_of(type_))
    return _structure(union.forms[type_], _unfolded(given), "")


def _options_of(type_: str) -> str:
    """What `TYPE,help` shows."""
    from daemon.objects.types import OBJECT_TYPES  # noqa: PLC0415 - few ask for help
    from machine.qom.types import TypeTable  # noqa: PLC0415 - as above

    properties = TypeTable(OBJECT_TYPES).properties(type_)
    listed = sorted(f"  {entry.name}=<{entry.type}>\n" for entry in properties)
    return f"{type_} options:\n{''.join(listed)}"


def _by_keys(desc: str) -> str:
    """A refusal of QAPI's in the words for keys: `rules.0.match`, not `rules[0].match`."""
    named = _NAMED.sub(lambda found: re.sub(r"\[(\d+)\]", r".\1", found[0]), desc, count=1)
    unexpected = _UNEXPECTED.fullmatch(named)
    return f"Invalid parameter '{unexpected[1]}'" if unexpected is not None else named


def _unfolded(given: Mapping[str, str]) -> Tree:
    tree: Tree = {}
    for key, text in given.items():
        *path, last = key.split(".")
        inner = tree
        for part in path:
            below = inner.setdefault(part, {})
            if isinstance(below, str):
                raise UsageError(f"Invalid parameter '{key}'")
            inner = below
        if last in inner:
            raise UsageError(f"Invalid parameter '{key}'")
        inner[last] = text
    return tree


def _structure(form: type[WireModel], tree: Tree, path: str) -> dict[str, Any]:
    wanted = {field.alias: field.annotation for field in form.model_fields.values()}
    return {
        key: _value(wanted[key], value, f"{path}{key}") if key in wanted else value
        for key, value in tree.items()
    }


def _value(annotation: Any, given: str | Tree, path: str) -> Any:
    kind = _present(annotation)
    if typing.get_origin(kind) is list:
        return _list(typing.get_args(kind)[0], given, path)
    if issubclass(kind, WireModel):
        if isinstance(given, str):
            raise UsageError(f"Invalid parameter type for '{path}', expected: object")
        return _structure(kind, given, f"{path}.")
    if not isinstance(given, str):
        raise UsageError(f"Parameters '{path}.*' are unexpected")
    return switch(path, given) if kind is bool else given


def _list(element: Any, given: str | Tree, path: str) -> list[Any]:
    if isinstance(given, str):
        raise UsageError(f"Invalid parameter type for '{path}', expected: array")
    for number, key in enumerate(given):
        if str(number) not in given:
            raise UsageError(f"Parameter '{path}.{number}' missing")
        if not key.isdigit():
            raise UsageError(f"Invalid parameter '{path}.{key}'")
    return [_value(element, given[str(n)], f"{path}.{n}") for n in range(len(given))]


def _present(annotation: Any) -> Any:
    """The type of a member that need not be there."""
    if typing.get_origin(annotation) in {typing.Union, types.UnionType}:
        return next(part for part in typing.get_args(annotation) if part is not types.NoneType)
    return annotation
