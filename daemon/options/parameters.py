"""What options take: groups of typed parameters, declared once (QEMU: QemuOptsList).

Reading an option, its usage text and `query-command-line-options` all go by these declarations.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

from daemon.options.keyval import parse_opts
from daemon.options.sizes import parse_bool, parse_int
from daemon.options.usage import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

ParameterType = Literal["string", "boolean", "number", "size"]

SHAPES: Mapping[ParameterType, str] = {
    "string": "TEXT",
    "boolean": "on|off",
    "number": "N",
    "size": "SIZE[K|M|G|T]",
}
"""How the values of each type look."""

TYPES: Mapping[ParameterType, str] = {
    "string": "str",
    "boolean": "bool (on/off)",
    "number": "num",
    "size": "size",
}
"""What QEMU calls the types where it lists parameters."""

IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9._-]*", re.ASCII)
"""What an id looks like (QEMU: id_wellformed)."""


class Parameter(NamedTuple):
    """One parameter of an option.

    Attributes:
        name: its key.
        type: what its value must look like.
        shape: how the usage text shows its value, if there is more to say than the type.
        help: what it is for.
        default: the value that it has when it is not given.
    """

    name: str
    type: ParameterType = "string"
    shape: str = ""
    help: str | None = None
    default: str | None = None

    @property
    def usage(self) -> str:
        """`KEY=VALUE`, as the usage text has it."""
        return f"{self.name}={self.shape or SHAPES[self.type]}"


class Given(NamedTuple):
    """What an option was given, checked by its declaration.

    Attributes:
        values: by key; numbers and switches are what they mean.
        id: its id, if it has one.
    """

    values: Mapping[str, str | int] = MappingProxyType({})
    id: str | None = None

    def text(self, key: str) -> str | None:
        """The text of a key, if it was given."""
        value = self.values.get(key)
        return value if isinstance(value, str) else None

    def number(self, key: str, default: int = 0) -> int:
        """The number of a key, or what it is when not given."""
        value = self.values.get(key)
        return value if isinstance(value, int) else default

    def switch(self, key: str, *, default: bool = False) -> bool:
        """The switch of a key, or what it is when not given."""
        return bool(self.values.get(key, default))


class Group(NamedTuple):
    """The parameters of an option.

    Attributes:
        name: what `query-command-line-options` calls the option.
        parameters: those that it may have; none where it takes any.
        implied: the one that a first word without a key is the value of.
    """

    name: str
    parameters: tuple[Parameter, ...] = ()
    implied: str | None = None

    @property
    def names(self) -> frozenset[str]:
        """The keys."""
        return frozenset(parameter.name for parameter in self.parameters)

    @property
    def usage(self) -> str:
        """What the option takes, as the help shows it."""
        first, *others = self.parameters
        key, _, shape = first.usage.partition("=")
        head = f"[{key}=]{shape}" if key == self.implied else first.usage
        return head + "".join(f"[,{parameter.usage}]" for parameter in others)

    @property
    def help(self) -> str:
        """What QEMU prints for `help` among the words."""
        lines = sorted(f"  {each.name}=<{TYPES[each.type]}>\n" for each in self.parameters)
        return f"{self.name} options:\n{''.join(lines)}"

    def read(self, text: str) -> Given:
        """Read QemuOpts notation, and check what it says.

        Raises:
            UsageError: in QEMU's words.
        """
        words = parse_opts(text, self.implied)
        id_ = words.pop("id", None)
        if id_ is not None and not IDENTIFIER.fullmatch(id_):
            raise UsageError("Parameter 'id' expects an identifier")
        known = {parameter.name: parameter for parameter in self.parameters}
        for key in words:
            if key not in known:
                raise UsageError(f"Invalid parameter '{key}'")
        values = {key: _value(known[key], value) for key, value in words.items()}
        return Given(values, id_)


def _value(parameter: Parameter, text: str) -> str | int:
    if parameter.type == "boolean":
        return switch(parameter.name, text)
    if parameter.type == "number":
        number = parse_int(text)
        if number is None or number < 0:
            raise UsageError(f"Parameter '{parameter.name}' expects a number")
        return number
    return text


def switch(key: str, text: str) -> bool:
    """Read a switch, or complain as QEMU does.

    Raises:
        UsageError: it is neither on nor off.
    """
    value = parse_bool(text)
    if value is None:
        raise UsageError(f"Parameter '{key}' expects 'on' or 'off'")
    return value
