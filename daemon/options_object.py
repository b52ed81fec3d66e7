"""What -object says: an object to create, as JSON or as keys and values.

Values on a command line are texts. What each is meant to be is known from the model of the object's
type, and so is that `rules.0.match` is a member of the first element of a list.
"""

from __future__ import annotations

import types
import typing
from typing import TYPE_CHECKING, Any

from daemon.json_object import parse_object
from daemon.keyval import parse_opts
from daemon.parameters import IDENTIFIER, switch
from daemon.usage import Exit, UsageError
from protocol.errors import QmpError
from protocol.model import WireModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from protocol.qapi.objects import ObjectOptions

Tree = dict[str, "str | Tree"]
"""Texts by key, dotted keys unfolded."""


def parse_object_option(text: str) -> dict[str, Any]:
    """Read -object's argument; the members are as `object-add` takes them.

    Raises:
        UsageError: they are not.
        Exit: it asks what there is.
    """
    from daemon.objects.make import read_options  # noqa: PLC0415 - most daemons have no objects
    from protocol.qapi.objects import ObjectOptions  # noqa: PLC0415 - as above

    if text in {"help", "?"}:
        listed = "".join(f"  {name}\n" for name in ObjectOptions.values())
        raise Exit(f"List of user creatable objects:\n{listed}")
    members: dict[str, Any] = (
        parse_object(text)
        if text.startswith("{")
        else _typed(ObjectOptions, parse_opts(text, "qom-type"))
    )
    try:
        options = read_options(members)
    except QmpError as error:
        raise UsageError(error.desc) from None
    if not IDENTIFIER.fullmatch(options.id_):
        raise UsageError("Parameter 'id' expects an identifier")
    return members


def _typed(union: type[ObjectOptions], given: Mapping[str, str]) -> dict[str, Any]:
    """Make of texts what the model wants; what it does not know is refused."""
    form = union.forms.get(given.get("qom-type", ""))
    if form is None:
        return dict(given)  # which is not valid, and is told why
    return _structure(form, _unfolded(given), "")


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
    for key in tree:
        if key not in wanted:
            raise UsageError(f"Invalid parameter '{path}{key}'")
    return {key: _value(wanted[key], value, f"{path}{key}") for key, value in tree.items()}


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
