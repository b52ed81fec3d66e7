"""The two `key=value,...` notations of QEMU's command line.

Both separate by commas, write a comma inside a value twice, let a later key win, and may have an
implied first key (`-smp 4` is `-smp cpus=4`). They differ in what a bare word is:

* keyval (`util/keyval.c`: -machine, -smp, -m): a bare word beyond the first is an error, unless it
  asks for help, and the first one ends with its first comma; a key is a dotted path of identifiers;
* QemuOpts (`util/qemu-option.c`: -name, -device, the socket of -qmp): a bare word `key` is
  `key=on`, and `nokey` is `key=off`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_NAME = r"(?:__[A-Za-z0-9.-]*_)?[A-Za-z][A-Za-z0-9_-]*"
"""What QAPI calls a name, with a vendor's prefix or without."""
_KEY = re.compile(rf"{_NAME}(?:\.(?:{_NAME}|[0-9]+))*", re.ASCII)
_ITEM = re.compile(r"([^=,]*)(?:=((?:[^,]|,,)*))?(?:,|\Z)")
"""What stands between two commas: a word, and its value."""
_HELP = frozenset({"help", "?"})


class KeyvalError(ValueError):
    """The notation is broken; the text is QEMU's."""


class HelpRequest(Exception):  # noqa: N818 - nothing is wrong
    """Among the words there is `help`, or `?`."""


@dataclass(frozen=True, slots=True)
class _Item:
    """One stretch between commas; `value` is None for a bare word."""

    key: str
    value: str | None


def parse_keyval(text: str, implied: str | None = None) -> dict[str, str]:
    """Read keyval notation; dotted keys stay as they are written.

    Args:
        text: what stands behind the option.
        implied: the key that a bare first word is a value of.

    Raises:
        KeyvalError: a bare word, a key that is not one, or a key that is part of another one.
        HelpRequest: there is nothing wrong, and a question.
    """
    found: dict[str, str] = {}
    asked = False
    for item in _keyval_items(text, implied):
        if item.value is None and item.key in _HELP:
            asked = True
        elif not _KEY.fullmatch(item.key):
            raise KeyvalError(f"Invalid parameter '{item.key}'")
        elif item.value is None:
            raise KeyvalError(f"Expected '=' after parameter '{item.key}'")
        else:
            found[item.key] = item.value
    _check_consistent(found)
    if asked:
        raise HelpRequest
    return found


def _keyval_items(text: str, implied: str | None) -> Iterator[_Item]:
    """A first word's value is as it is written: only behind a `=` is a pair of commas one."""
    for match in _ITEM.finditer(text):
        key, value = match[1], match[2]
        if match.start() == len(text):
            return
        if value is not None:
            yield _Item(key, value.replace(",,", ","))
        elif match.start() == 0 and implied is not None and key and key not in _HELP:
            yield _Item(implied, key)
        else:
            yield _Item(key, None)


def _check_consistent(keys: Collection[str]) -> None:
    """No key may have a value and parts, too."""
    for key in keys:
        parent = key.rpartition(".")[0]
        while parent:
            if parent in keys:
                raise KeyvalError(f"Parameters '{parent}.*' used inconsistently")
            parent = parent.rpartition(".")[0]


def parse_opts(text: str, implied: str | None = None) -> dict[str, str]:
    """Read QemuOpts notation; a bare word switches on, or with a leading `no` off."""
    return dict(_switched(item) for item in _items(text, implied))


def parse_repeated(text: str, implied: str | None = None) -> dict[str, tuple[str, ...]]:
    """Read QemuOpts notation, with all values of a key that is given several times."""
    found: dict[str, tuple[str, ...]] = {}
    for key, value in map(_switched, _items(text, implied)):
        found[key] = (*found.get(key, ()), value)
    return found


def _switched(item: _Item) -> tuple[str, str]:
    if item.value is not None:
        return item.key, item.value
    negated = item.key.removeprefix("no")
    return (item.key, "on") if negated == item.key else (negated, "off")


def _items(text: str, implied: str | None) -> Iterator[_Item]:
    for number, part in enumerate(_split(text)):
        key, equals, value = part.partition("=")
        if equals and "," not in key:
            yield _Item(key, value.replace(",,", ","))
        elif number == 0 and implied is not None:
            yield _Item(implied, part.replace(",,", ","))
        else:
            yield _Item(part, None)


def _split(text: str) -> list[str]:
    """Cut at single commas; a pair of them stays in its part. A last comma ends nothing."""
    parts, part, at = [], "", 0
    while at < len(text):
        if text.startswith(",,", at):
            part, at = part + ",,", at + 2
        elif text[at] == ",":
            parts.append(part)
            part, at = "", at + 1
        else:
            part, at = part + text[at], at + 1
    return [*parts, part] if part else parts
