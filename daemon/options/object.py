"""What -object says: an object to create, as JSON or as keys and values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daemon.options.keyval import parse_opts
from daemon.options.parameters import IDENTIFIER
from daemon.options.usage import Exit, UsageError
from daemon.options.visitor import is_json, read_members, refusal
from protocol.errors import QmpError

if TYPE_CHECKING:
    from machine.qom.types import TypeProperty
    from protocol.qapi.objects import ObjectOptions

_HELP = {"help", "?"}


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
    if not is_json(text):
        _help(ObjectOptions, text)
    members = read_members(ObjectOptions, text)
    try:
        options = read_options(members)
    except QmpError as error:
        raise refusal(error, text) from None
    if not IDENTIFIER.fullmatch(options.id_):
        raise UsageError("Parameter 'id' expects an identifier")
    return members


def _help(union: type[ObjectOptions], text: str) -> None:
    """Tell a type's properties, if that is what is asked for.

    Raises:
        Exit: it is.
    """
    given = parse_opts(text, "qom-type")
    type_ = given.get("qom-type", "")
    if type_ in union.forms and given.keys() & _HELP:
        raise Exit(_options_of(type_))


def _options_of(type_: str) -> str:
    """What `TYPE,help` shows."""
    from daemon.objects.types import OBJECT_TYPES  # noqa: PLC0415 - few ask for help
    from machine.qom.types import TYPES, TypeTable  # noqa: PLC0415 - as above

    properties = TypeTable((*TYPES, *OBJECT_TYPES)).properties(type_)
    listed = sorted(_shown(entry) for entry in properties if entry.name != "type")
    return f"{type_} options:\n{''.join(listed)}"


def _shown(entry: TypeProperty) -> str:
    text = f"  {entry.name}=<{entry.type}>"
    return f"{text:24} - {entry.description}\n" if entry.description else f"{text}\n"
