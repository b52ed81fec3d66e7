r"""Values to bytes in QEMU's output form.

One line, ``", "`` and ``": "`` between, CR LF at the end; everything outside printable ASCII as
``\uXXXX`` in upper case, U+007F included, astral characters as surrogate pairs.  ``id`` follows
``return`` but precedes ``error``.  Doubles print as C's ``%.17g``.

The common case is encoded and spaced by C code, then a look at the bytes makes sure that nothing
in it needs QEMU's special treatment; only a value that does is written member by member.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
from pydantic import BaseModel

from protocol.errors import QmpError
from protocol.event import Event
from protocol.value import Value

_DEL: Final = 0x7F  # as integers, which `in` finds several times faster than bytes
_BACKSLASH: Final = ord("\\")
_INDENT: Final = 4
_CONTROL = re.compile(r"\\\\|\\u[0-9a-f]{4}")
_PERHAPS_DOUBLE = re.compile(rb"[0-9][.eE]")
_EMPTY = re.compile(rb"(?m)^( *)(.*)([\[{])([\]}])(,?)$")


class Absent:
    """Type of ``ABSENT``, the id of a command that came without one."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()


def _plain(value: object) -> Value:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    raise TypeError(f"no JSON form for {type(value).__name__}")


_encode = msgspec.json.Encoder(enc_hook=_plain).encode
_decode = msgspec.json.Decoder().decode
_format = msgspec.json.format


def encode_value(value: Value) -> bytes:
    """Encode a JSON value, or one that holds models, in QEMU's one-line form."""
    if type(value) is str or type(value) is int:
        return _escaped(_encode(value))
    try:
        body = _encode(value)
        return b"".join(_pieces(value)) if _PERHAPS_DOUBLE.search(body) else spaced(body)
    except RecursionError:
        return b"".join(_pieces(value))


def encode_with(to_json: Callable[..., bytes], value: Any) -> bytes:
    """Encode by a pydantic serializer's ``to_json``: models and lists of models, at C speed."""
    return _escaped(_format(to_json(value, by_alias=True, exclude_none=True), indent=0))


def encode_exactly(to_json: Callable[..., bytes], value: Any) -> bytes:
    """Encode as `encode_with` does, and doubles, which pydantic prints as short as it can, too."""
    body = to_json(value, by_alias=True, exclude_none=True)
    return b"".join(_pieces(_decode(body))) if _PERHAPS_DOUBLE.search(body) else spaced(body)


def spaced(body: bytes) -> bytes:
    """Return compact JSON with QEMU's separators and escapes."""
    return _escaped(_format(body, indent=0))


def _escaped(body: bytes) -> bytes:
    if body.isascii() and _DEL not in body and (_BACKSLASH not in body or b"\\u" not in body):
        return body
    text = body.decode()
    if "\\u" in text:
        text = _CONTROL.sub(_in_upper_case, text)
    return text.translate(_Escapes()).encode()


class _Escapes(dict[int, str]):
    """What stands for each character of a text, found when it is first met."""

    def __missing__(self, code: int) -> str:
        self[code] = _escape(chr(code)) if code >= _DEL else chr(code)
        return self[code]


def _escape(character: str) -> str:
    units = character.encode("utf-16-be").hex(",", 2)
    return "\\u" + units.upper().replace(",", "\\u")


def _in_upper_case(match: re.Match[str]) -> str:
    return match[0] if match[0] == r"\\" else rf"\u{match[0][2:].upper()}"


def encode_success(body: bytes, request_id: Value = ABSENT) -> bytes:
    """Return the line for a success whose ``return`` member is already encoded."""
    if request_id is ABSENT:
        return b'{"return": %b}\r\n' % body
    return b'{"return": %b, "id": %b}\r\n' % (body, encode_value(request_id))


def encode_failure(error: QmpError, request_id: Value = ABSENT) -> bytes:
    """Return the line for a refusal."""
    body = b'"error": {"class": "%b", "desc": %b}' % (
        error.error_class.encode(),
        encode_value(error.desc),
    )
    if request_id is ABSENT:
        return b"{%b}\r\n" % body
    return b'{"id": %b, %b}\r\n' % (encode_value(request_id), body)


def encode_event(event: Event, seconds: int, microseconds: int) -> bytes:
    """Return the line for an event; one encoding serves every session that is not pretty."""
    stamp = b'{"timestamp": {"seconds": %d, "microseconds": %d}, "event": "%b"' % (
        seconds,
        microseconds,
        event.event_name.encode(),
    )
    if not type(event).__pydantic_fields__:
        return stamp + b"}\r\n"
    data = encode_exactly(event.__pydantic_serializer__.to_json, event)
    return b'%b, "data": %b}\r\n' % (stamp, data)


def prettify(line: bytes) -> bytes:
    """Return a line as ``pretty=on`` has it: four spaces, empty containers opened up.

    A line that nests too deep for the formatter stays one line.
    """
    try:
        text = _format(line, indent=_INDENT)
    except RecursionError:
        return line
    text = _EMPTY.sub(rb"\1\2\3\n\1\4\5", text)
    return text.strip().replace(b"\n", b"\r\n") + b"\r\n"


def _scalar(value: Value) -> bytes:
    return b"%.17g" % value if type(value) is float else _escaped(_encode(value))


def _pieces(value: Value) -> Iterator[bytes]:
    """Write any value, however deep, without recursion."""
    pending: list[Iterator[tuple[bytes, Value]]] = [iter([(b"", value)])]
    closers: list[bytes] = [b""]
    while pending:
        prefix, item = next(pending[-1], (b"", ABSENT))
        if item is ABSENT:
            pending.pop()
            yield closers.pop()
            continue
        yield prefix
        item = _plain(item) if isinstance(item, BaseModel) else item
        if isinstance(item, dict):
            yield b"{"
            pending.append(_members(item))
            closers.append(b"}")
        elif isinstance(item, list | tuple):
            yield b"["
            pending.append(_items(item))
            closers.append(b"]")
        else:
            yield _scalar(item)


def _members(value: dict[str, Value]) -> Iterator[tuple[bytes, Value]]:
    separator = b""
    for key, item in value.items():
        yield separator + _escaped(_encode(key)) + b": ", item
        separator = b", "


def _items(value: list[Value] | tuple[Value, ...]) -> Iterator[tuple[bytes, Value]]:
    separator = b""
    for item in value:
        yield separator, item
        separator = b", "
