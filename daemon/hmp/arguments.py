"""Arguments of a command, by QEMU's grammar of argument types: `path:s,property:s,value:S`.

| type | takes |
|---|---|
| `s`, `F` | a word, or what is in double quotes; `F` calls it a file name if it is missing |
| `S` | the rest of the line |
| `O` | `key=value,...`, as the command line's option of that name |
| `i`, `l` | an expression of 32 or 64 bits |
| `b` | `on` or `off` |
| `/` | `/` and a format: count, letter, size |
| `-x` | the switch `-x`, there or not |

A `?` behind a type says that it may be missing.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from daemon.hmp.expression import evaluate
from daemon.hmp.scan import SPACE, HmpError, Scanner, UntoldError
from daemon.options.keyval import parse_opts
from daemon.options.parameters import IDENTIFIER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SIZES = {"b": 1, "h": 2, "w": 4, "g": 8, "L": 8}
FORMATS = "odxuci"
MOST_DIGITS = 9
"""Of a count: more of them are beyond what can be printed."""

IMPLIED = {"device": "driver"}
"""For each list of options, the key of a first bare word."""

_SWITCHES = {"on": True, "off": False}


@dataclass(frozen=True, slots=True)
class Format:
    """How to print: so many, in this form, of so many bytes each."""

    count: int = 1
    letter: str = "x"
    size: int = 4


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument that a command takes."""

    key: str
    kind: str
    switch: str = ""
    optional: bool = False

    @property
    def name(self) -> str:
        """The handler's name for it."""
        return self.key.replace("-", "_")


def parameters(args_type: str) -> tuple[Parameter, ...]:
    """Read a declaration."""
    return tuple(_parameter(text) for text in args_type.split(",") if text)


def _parameter(text: str) -> Parameter:
    key, _, kind = text.partition(":")
    switch = kind[1:] if kind.startswith("-") else ""
    return Parameter(key, kind[0], switch, optional=kind.endswith("?"))


def read(
    scan: Scanner,
    command: str,
    wanted: tuple[Parameter, ...],
    last: Format,
) -> dict[str, Any]:
    """Take a command's arguments; those that are optional and missing are missing.

    Args:
        scan: where the command's name ends.
        command: its name, for texts.
        wanted: what it takes.
        last: how was printed before: what a format leaves out is as it was then.

    Raises:
        HmpError: they are wrong.
    """
    given: dict[str, Any] = {}
    for number, parameter in enumerate(wanted):
        scan.skip_space()
        if parameter.optional and not scan.peek():
            continue
        match parameter.kind:
            case "-":
                later = "".join(each.switch for each in wanted[number + 1 :])
                given[parameter.name] = _switched(scan, command, parameter.switch, later)
            case "/":
                given[parameter.name] = _format(scan, last)
            case kind:
                given[parameter.name] = _READERS[kind](scan, command, parameter.key)
    if not scan.ended():
        raise HmpError(f"{command}: extraneous characters at the end of line")
    return given


def _switched(scan: Scanner, command: str, letter: str, later: str) -> bool:
    if scan.peek() != "-":
        return False
    found = scan.text[scan.at + 1 : scan.at + 2]
    if found == letter:
        scan.at += 2
        return True
    if found and found in later:
        return False
    raise HmpError(f"{command}: unsupported option -{found}")


def _format(scan: Scanner, last: Format) -> Format:
    count, letter, size = 1, "", 0
    if scan.peek() == "/":
        scan.at += 1
        digits = _digits(scan)
        count = int(digits) if digits else 1
        while (sign := scan.peek()) and (sign in FORMATS or sign in SIZES):
            letter, size = (sign, size) if sign in FORMATS else (letter, SIZES[sign])
            scan.at += 1
        if sign and sign not in SPACE:
            raise HmpError(f"invalid char in format: '{sign}'")
    return Format(count, letter or last.letter, size or last.size)


def _digits(scan: Scanner) -> str:
    start = scan.at
    while scan.peek() and scan.peek() in string.digits:
        scan.at += 1
    digits = scan.text[start : scan.at].lstrip("0") or scan.text[start : scan.at][:1]
    return digits if len(digits) <= MOST_DIGITS else "9" * MOST_DIGITS


def _word(scan: Scanner, command: str, _key: str) -> str:
    return _needed(scan.string(), f"{command}: string expected")


def _file_name(scan: Scanner, command: str, _key: str) -> str:
    return _needed(scan.string(), f"{command}: filename expected")


def _all(scan: Scanner, command: str, _key: str) -> str:
    return _needed(scan.rest() or None, f"{command}: string expected")


def _needed(text: str | None, complaint: str) -> str:
    if text is None:
        raise HmpError(complaint)
    return text


def _options(scan: Scanner, _command: str, key: str) -> dict[str, str]:
    if scan.ended():
        return {}
    text = scan.string()
    if text is None:
        raise UntoldError("unterminated string")
    given = parse_opts(text, IMPLIED[key])
    if "id" in given and not IDENTIFIER.fullmatch(given["id"]):
        raise UntoldError("Parameter 'id' expects an identifier")
    return given


def _integer(scan: Scanner, command: str, _key: str) -> int:
    value = evaluate(scan)
    if value >> 32:
        raise HmpError(f"'{command}' has failed: integer is for 32-bit values")
    return value


def _long(scan: Scanner, _command: str, _key: str) -> int:
    return evaluate(scan)


def _on_off(scan: Scanner, _command: str, _key: str) -> bool:
    value = _SWITCHES.get(scan.until(SPACE))
    if value is None:
        raise HmpError("Expected 'on' or 'off'")
    return value


_READERS: Mapping[str, Callable[[Scanner, str, str], Any]] = {
    "s": _word,
    "F": _file_name,
    "S": _all,
    "O": _options,
    "i": _integer,
    "l": _long,
    "b": _on_off,
}
