"""Arguments of a command: a model from the handler's signature, and QAPI's words for what is wrong.

QAPI visits the declared members in declared order, each missing or of the wrong type, a structure
as a whole before the next member, and last what was not declared.  Pydantic reports its errors in
that very order, so the first one is the one to tell.
"""

import inspect
import re
import sys
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import Field, ValidationError, create_model

from protocol import model
from protocol.errors import QmpError
from protocol.model import WireModel
from protocol.value import Value

_INT64 = range(-(2**63), 2**63)

EXPECTED: Mapping[str, str] = types.MappingProxyType(
    {
        "string_type": "string",
        "int_type": "integer",
        "bool_type": "boolean",
        "float_type": "number",
        "list_type": "array",
        "dict_type": "object",
        "model_type": "object",
        "model_attributes_type": "object",
        "enum": "string",
        model.CHOICE_ERROR: "string",
        model.RANGE_ERROR: "integer",
    }
)
"""Pydantic's error types by the JSON type that QAPI says it wanted."""

_REMARKS = {
    "missing": "is missing",
    "extra_forbidden": "is unexpected",
    model.ALTERNATE_ERROR: "{}",
}
_ELEMENT = re.compile(r"\[\d+\]$")  # an enumeration in a list is refused by the list's name


class _Null:
    """Stands for an explicit null while arguments are validated: no typed member accepts it."""


_NULL = _Null()


class _Names(dict[str, Any]):
    """What a module has only when asked (PEP 562): models that are imported on first use."""

    def __init__(self, module: object) -> None:
        super().__init__()
        self._module = module

    def __missing__(self, name: str) -> Any:
        try:
            return getattr(self._module, name)
        except AttributeError:
            raise KeyError(name) from None


def annotations_of(handler: Callable[..., Any]) -> dict[str, Any]:
    """Return the resolved annotations of a handler but for its first parameter.

    The first is the machine, whose type may be imported for type checkers alone.
    """
    names = list(inspect.signature(handler).parameters)[1:]
    wanted = {name: handler.__annotations__[name] for name in (*names, "return")}
    holder = types.SimpleNamespace(__annotations__=wanted)
    namespace = inspect.unwrap(handler).__globals__
    names_on_request = _Names(sys.modules.get(handler.__module__))
    return typing.get_type_hints(holder, namespace, names_on_request, include_extras=True)


def model_of(name: str, handler: Callable[..., Any]) -> type[WireModel] | None:
    """Build the model of a handler's arguments; None if it takes none."""
    parameters = list(inspect.signature(handler).parameters.values())[1:]
    if not parameters:
        return None
    annotations = annotations_of(handler)
    fields: dict[str, Any] = {
        parameter.name: (
            annotations[parameter.name],
            Field(default=... if parameter.default is parameter.empty else parameter.default),
        )
        for parameter in parameters
    }
    return create_model(f"{name} arguments", __base__=WireModel, **fields)


def validate(
    form: type[WireModel] | None, arguments: dict[str, Value], boxed: str | None = None
) -> dict[str, Any]:
    """Return keyword arguments for a handler.

    Args:
        form: the model, None if there are no arguments.
        arguments: what the client gave.
        boxed: the parameter that takes the whole model; None where each member has its own.

    Raises:
        QmpError: in QAPI's words and QAPI's order.
    """
    if form is None:
        if arguments:
            raise QmpError(f"Parameter '{next(iter(arguments))}' is unexpected")
        return arguments
    try:
        if _holds_null(arguments):
            _validate(form, _marked(arguments))
        found = _validate(form, arguments)
    except ValidationError as error:
        raise QmpError(describe(error)) from None
    return found.__dict__ if boxed is None else {boxed: found}


def _validate(form: type[WireModel], arguments: Value) -> WireModel:
    validator = form.__pydantic_validator__
    return typing.cast(
        "WireModel", validator.validate_python(arguments, by_alias=True, by_name=False)
    )


def describe(error: ValidationError) -> str:
    """Say what QAPI would say about the first thing that is wrong."""
    first = error.errors(include_url=False)[0]
    name, kind, given = _path(first["loc"]), first["type"], first["input"]
    if kind in _REMARKS:
        return f"Parameter '{name}' {_REMARKS[kind].format(first['msg'])}"
    if kind == model.RANGE_ERROR and (first["msg"].startswith("uint") or given in _INT64):
        return f"Parameter '{name}' expects {first['msg']}"
    if kind == "enum" and isinstance(given, str):
        member = _ELEMENT.sub("", name).rpartition(".")[2]  # which QAPI names without its path
        return f"Parameter '{member}' does not accept value '{given}'"
    if kind == model.CHOICE_ERROR and isinstance(given, str):
        return f"Parameter '{name}' does not accept value '{given}'; {first['msg']}"
    if kind in EXPECTED:
        return f"Invalid parameter type for '{name}', expected: {EXPECTED[kind]}"
    return f"Parameter '{name}': {first['msg']}"


def _path(location: tuple[int | str, ...]) -> str:
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in location]
    return "".join(parts).removeprefix(".")


def _holds_null(value: Value) -> bool:
    pending = [value]
    while pending:
        item = pending.pop()
        if item is None:
            return True
        if isinstance(item, dict):
            pending += item.values()
        elif isinstance(item, list):
            pending += item
    return False


def _marked(value: Value, depth: int = 8) -> Value:
    """Copy ``value`` with nulls replaced, as deep as any structure of ours goes."""
    if value is None:
        return _NULL
    if depth and isinstance(value, dict):
        return {key: _marked(item, depth - 1) for key, item in value.items()}
    if depth and isinstance(value, list):
        return [_marked(item, depth - 1) for item in value]
    return value
