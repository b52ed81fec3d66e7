"""The two `key=value,...` notations of QEMU's command line.

Both separate by commas, write a comma inside a value twice, let a later key win, and may have an
implied first key (`-smp 4` is `-smp cpus=4`). They differ in what a bare word is:

* keyval (`util/keyval.c`: -machine, -smp, -m): a bare word beyond the first is an error, and a key
  is a dotted path of identifiers;
* QemuOpts (`util/qemu-option.c`: -name, -device, the socket of -qmp): a bare word `key` is
  `key=on`, and `nokey` is `key=off`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_FRAGMENT = r"(?:[A-Za-z_][A-Za-z0-9_-]*|[0-9]+)"
_KEY = re.compile(rf"[A-Za-z_][A-Za-z0-9_-]*(?:\.{_FRAGMENT})*", re.ASCII)


class KeyvalError(ValueError):
    """The notation is broken; the text is QEMU's."""


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
        KeyvalError: a bare word, or a key that is not one.
    """
    found: dict[str, str] = {}
    for item in _items(text, implied):
        if item.value is None:
            raise KeyvalError(f"Expected '=' after parameter '{item.key}'")
        if not _KEY.fullmatch(item.key):
            raise KeyvalError(f"Invalid parameter '{item.key}'")
        found[item.key] = item.value
    return found


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
