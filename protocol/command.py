"""Commands, declared once: dispatch, argument errors, introspection and docs read one record.

::

    @command("query-hotpluggable-cpus", allow_preconfig=True)
    def query_hotpluggable_cpus(machine: Machine) -> list[HotpluggableCPU]:
        \"\"\"List the CPUs that are, or could be, plugged.\"\"\"

The decorator marks the function and returns it untouched; ``collect`` gathers the marked functions
of an explicit tuple of modules.  There is no registry.
"""

import inspect
import types
import typing
from collections.abc import Callable, Generator, Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from types import MappingProxyType, ModuleType
from typing import Any, TypeVar

from pydantic import TypeAdapter

from protocol.arguments import annotations_of, model_of
from protocol.encode import encode_exactly, encode_value, encode_with
from protocol.model import WireModel, unstable

Handler = TypeVar("Handler", bound=Callable[..., Any])
Token = Callable[[Any], Hashable]
"""Tells, from the context, what a reply depends on: it is true while the token is equal."""
Result = TypeVar("Result")
Steps = Generator[None, None, Result]
"""What a handler returns that takes its time: it comes back until it has the result."""

_MARK = "__qmp_command__"
_DOUBLES = frozenset({float, Any, object})  # what a double may hide behind


@dataclass(frozen=True, kw_only=True, eq=False)
class Command:
    """What is known of a command; what costs time to know is found out when it is asked for.

    Attributes:
        name: the wire name.
        handler: called with the context and the arguments.
        allow_oob: may be given as ``exec-oob``.
        allow_preconfig: may run before the machine is initialised.
        gen: False if the handler takes the raw dictionary, and ``arguments`` is documentation.
        boxed: the parameter that takes all arguments as one model, if that is how it takes them.
        kept: what the reply depends on, if its encoding is kept while that is equal.
        shown: with ``gen=False``, the model to show in introspection.
        features: what introspection says of it besides; an ``x-`` in front says ``unstable``.
    """

    name: str
    handler: Callable[..., Any]
    allow_oob: bool
    allow_preconfig: bool
    gen: bool
    boxed: str | None
    kept: Token | None
    shown: type[WireModel] | None
    features: tuple[str, ...]

    def call(self, context: Any, arguments: dict[str, Any]) -> Any:
        """Call the handler: with keyword arguments, or the raw members where ``gen`` is False."""
        if self.gen:
            return self.handler(context, **arguments)
        return self.handler(context, arguments)

    @cached_property
    def arguments(self) -> type[WireModel] | None:
        """Model of the arguments, None if there are none."""
        if self.boxed is not None:
            return typing.cast("type[WireModel]", annotations_of(self.handler)[self.boxed])
        return model_of(self.name, self.handler) if self.gen else self.shown

    @cached_property
    def returns(self) -> Any:
        """Annotation of the return value, None for an empty object."""
        annotation = annotations_of(self.handler)["return"]
        if typing.get_origin(annotation) is Generator:
            annotation = typing.get_args(annotation)[2]
        return None if annotation is types.NoneType else annotation

    @cached_property
    def summary(self) -> str:
        """First line of the handler's docstring."""
        return _docstring(self.handler).partition("\n")[0]

    def encode(self, value: Any) -> bytes:
        """Encode a handler's result, which is the content of ``return``."""
        if value is None and self.returns is None:
            return b"{}"
        return self._encode(value)

    @cached_property
    def _encode(self) -> Callable[[Any], bytes]:
        """Encoder of what is returned, by what it may hold."""
        held = _held_by(self.returns, set())
        if not any(isinstance(part, type) and issubclass(part, WireModel) for part in held):
            return encode_value
        to_json = TypeAdapter(self.returns).serializer.to_json
        return partial(encode_with if held.isdisjoint(_DOUBLES) else encode_exactly, to_json)


CommandTable = Mapping[str, Command]
"""Commands by wire name."""


def command(  # noqa: PLR0913  # one keyword for each property that QAPI gives a command
    name: str,
    *,
    arguments: type[WireModel] | None = None,
    gen: bool = True,
    boxed: bool = False,
    allow_oob: bool = False,
    allow_preconfig: bool = False,
    static: bool = False,
    kept: Token | None = None,
    features: tuple[str, ...] = (),
) -> Callable[[Handler], Handler]:
    """Declare the function below as the handler of a command.

    Args:
        name: the wire name.
        arguments: with ``gen=False``, the model to show in introspection.
        gen: False to receive the arguments as one raw dictionary.
        boxed: receive the arguments as one model, that of the handler's second parameter.
        allow_oob: the command may be executed out of band.
        allow_preconfig: the command may run before machine initialisation.
        static: the reply never changes, so its encoding is kept.
        kept: the reply changes only when this does, so its encoding is kept until then.
        features: what a client can learn about it by introspection (QAPI ``features``).

    Raises:
        TypeError: the signature or the docstring cannot be a command's.
    """
    if gen and arguments is not None:
        raise TypeError(f"{name}: arguments come from the signature unless gen=False")
    validity = _always if static else kept

    def mark(handler: Handler) -> Handler:
        if not _docstring(handler):
            raise TypeError(f"{name}: a command needs a docstring")
        if validity is not None and (not gen or _argument_count(handler) != 1):
            raise TypeError(f"{name}: a reply that depends on arguments cannot be kept")
        record = Command(
            name=name,
            handler=handler,
            allow_oob=allow_oob,
            allow_preconfig=allow_preconfig,
            gen=gen,
            boxed=handler.__code__.co_varnames[1] if boxed else None,
            kept=validity,
            shown=arguments,
            features=features + unstable(name),
        )
        setattr(handler, _MARK, record)
        return handler

    return mark


def _always(_context: Any) -> None:
    """Depend on nothing."""


def record_of(handler: Callable[..., Any]) -> Command | None:
    """Return the record that ``command`` attached to a function, if it did."""
    record = getattr(handler, _MARK, None)
    return record if isinstance(record, Command) else None


def collect(modules: Iterable[ModuleType]) -> CommandTable:
    """Gather the commands of the modules.

    Raises:
        ValueError: two functions claim one name.
    """
    table: dict[str, Command] = {}
    for module in modules:
        for member in vars(module).values():
            record = record_of(member) if inspect.isfunction(member) else None
            if record is not None and table.setdefault(record.name, record) is not record:
                raise ValueError(f"command {record.name} is declared twice")
    return MappingProxyType(table)


def _held_by(annotation: Any, held: set[Any]) -> set[Any]:
    """Add an annotation to a set, and all that it is made of."""
    if annotation in held:
        return held
    held.add(annotation)
    parts = list(typing.get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, WireModel):
        parts += [field.annotation for field in annotation.model_fields.values()]
    for part in parts:
        if isinstance(part, Hashable):
            _held_by(part, held)
    return held


def _argument_count(handler: Callable[..., Any]) -> int:
    return handler.__code__.co_argcount + handler.__code__.co_kwonlyargcount


def _docstring(handler: Callable[..., Any]) -> str:
    return inspect.getdoc(handler) or ""
