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
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType, ModuleType
from typing import Any, TypeVar

from pydantic import TypeAdapter

from protocol.arguments import annotations_of, model_of
from protocol.encode import encode_value, encode_with
from protocol.model import WireModel

Handler = TypeVar("Handler", bound=Callable[..., Any])
_MARK = "__qmp_command__"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Command:
    """What is known of a command.

    Attributes:
        name: the wire name, spelled as QEMU spells it.
        handler: called with the context and the arguments.
        arguments: model of the arguments, None if there are none.
        returns: annotation of the return value, None for an empty object.
        to_json: serializer of return values that hold models, None if plain values are returned.
        allow_oob: may be given as ``exec-oob``.
        allow_preconfig: may run before the machine is initialised.
        gen: False if the handler takes the raw dictionary, and ``arguments`` is documentation.
        static: the reply never changes.
        summary: first line of the handler's docstring.
    """

    name: str
    handler: Callable[..., Any]
    arguments: type[WireModel] | None
    returns: Any
    to_json: Callable[..., bytes] | None
    allow_oob: bool
    allow_preconfig: bool
    gen: bool
    static: bool
    summary: str

    def encode(self, value: Any) -> bytes:
        """Encode a handler's result, which is the content of ``return``."""
        if value is None and self.returns is None:
            return b"{}"
        if self.to_json is not None:
            return encode_with(self.to_json, value)
        return encode_value(value)


CommandTable = Mapping[str, Command]
"""Commands by wire name."""


def command(  # noqa: PLR0913  # one keyword for each property that QAPI gives a command
    name: str,
    *,
    arguments: type[WireModel] | None = None,
    gen: bool = True,
    allow_oob: bool = False,
    allow_preconfig: bool = False,
    static: bool = False,
) -> Callable[[Handler], Handler]:
    """Declare the function below as the handler of a command.

    Args:
        name: the wire name.
        arguments: with ``gen=False``, the model to show in introspection.
        gen: False to receive the arguments as one raw dictionary.
        allow_oob: the command may be executed out of band.
        allow_preconfig: the command may run before machine initialisation.
        static: the reply never changes, so its encoding may be kept.

    Raises:
        TypeError: the signature or the docstring cannot be a command's.
    """
    if gen and arguments is not None:
        raise TypeError(f"{name}: arguments come from the signature unless gen=False")

    def mark(handler: Handler) -> Handler:
        returns = annotations_of(handler)["return"]
        record = Command(
            name=name,
            handler=handler,
            arguments=model_of(name, handler) if gen else arguments,
            returns=None if returns is types.NoneType else returns,
            to_json=_serializer(returns),
            allow_oob=allow_oob,
            allow_preconfig=allow_preconfig,
            gen=gen,
            static=static,
            summary=_summary(name, handler),
        )
        setattr(handler, _MARK, record)
        return handler

    return mark


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


def _serializer(returns: Any) -> Callable[..., bytes] | None:
    if not _holds_models(returns):
        return None
    return TypeAdapter(returns).serializer.to_json


def _holds_models(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, WireModel):
        return True
    return any(_holds_models(part) for part in typing.get_args(annotation))


def _summary(name: str, handler: Callable[..., Any]) -> str:
    text = inspect.getdoc(handler)
    if not text:
        raise TypeError(f"{name}: a command needs a docstring")
    return text.partition("\n")[0]
