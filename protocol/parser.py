"""Tokens to values: a pushdown automaton with QEMU's error texts.

The first error is kept and the rest of the message ignored, because QEMU parses a message only once
its brackets balance and so reports one error for it, whatever follows.

A deliberate difference: a number that a C double cannot hold (``1e400``) is an error here.  QEMU
takes it as infinity and then prints ``inf``, which is not JSON.
"""

import math
from collections.abc import Mapping
from enum import IntEnum, auto

from protocol.lexer import Kind, Token
from protocol.text import TextError, decode_token
from protocol.value import Value

_KEYWORDS: Mapping[bytes, Value] = {b"true": True, b"false": False, b"null": None}
_INTEGER_DIGITS = 20  # of 2^64
_INT64_MIN, _UINT64_MAX = -(2**63), 2**64 - 1


class _Want(IntEnum):
    """What a container waits for."""

    FIRST_ITEM = auto()
    ITEM = auto()
    ITEM_END = auto()
    FIRST_KEY = auto()
    KEY = auto()
    COLON = auto()
    MEMBER = auto()
    MEMBER_END = auto()


_CLOSES = {
    (_Want.FIRST_ITEM, Kind.RSQUARE),
    (_Want.ITEM_END, Kind.RSQUARE),
    (_Want.FIRST_KEY, Kind.RCURLY),
    (_Want.MEMBER_END, Kind.RCURLY),
}
_GOES_ON: Mapping[tuple[_Want, Kind], _Want] = {
    (_Want.ITEM_END, Kind.COMMA): _Want.ITEM,
    (_Want.MEMBER_END, Kind.COMMA): _Want.KEY,
    (_Want.COLON, Kind.COLON): _Want.MEMBER,
}
_REFUSALS: Mapping[_Want, str] = {
    _Want.ITEM_END: "expected separator in list",
    _Want.MEMBER_END: "expected separator in dict",
    _Want.COLON: "missing : in object pair",
}


class _Frame:
    """A container under construction."""

    __slots__ = ("container", "key", "want")

    def __init__(self, container: Value, want: _Want) -> None:
        self.container = container
        self.want = want
        self.key: str | None = None


class _ParseError(ValueError):
    pass


class Parser:
    """Builds one value; ``push`` each token, then read ``value`` or ``error``."""

    def __init__(self) -> None:
        self.value: Value = None
        self.error: str | None = None
        self._frames: list[_Frame] = []

    def push(self, token: Token) -> None:
        """Take the next token of the message."""
        if self.error is not None:
            return
        try:
            self._accept(token)
        except (_ParseError, TextError) as error:
            self.error = str(error)
            self._frames.clear()

    def _accept(self, token: Token) -> None:
        kind = token.kind
        if self._frames:
            frame = self._frames[-1]
            step = (frame.want, kind)
            if step in _CLOSES:
                self._frames.pop()
                self._deliver(frame.container)
                return
            if step in _GOES_ON:
                frame.want = _GOES_ON[step]
                return
            if frame.want in _REFUSALS:
                raise _ParseError(_REFUSALS[frame.want])
        if kind is Kind.LCURLY:
            self._frames.append(_Frame({}, _Want.FIRST_KEY))
        elif kind is Kind.LSQUARE:
            self._frames.append(_Frame([], _Want.FIRST_ITEM))
        else:
            self._deliver(_scalar(token))

    def _deliver(self, value: Value) -> None:
        """Put a finished value where it belongs."""
        if not self._frames:
            self.value = value
            return
        frame = self._frames[-1]
        if isinstance(frame.container, list):
            frame.container.append(value)
            frame.want = _Want.ITEM_END
        elif frame.want is _Want.MEMBER:
            _add_member(frame, value)
        else:
            _set_key(frame, value)


def _set_key(frame: _Frame, value: Value) -> None:
    if not isinstance(value, str):
        raise _ParseError("key is not a string in object")
    frame.key = value
    frame.want = _Want.COLON


def _add_member(frame: _Frame, value: Value) -> None:
    if frame.key in frame.container:
        raise _ParseError("duplicate key")
    frame.container[frame.key] = value
    frame.want = _Want.MEMBER_END


def _scalar(token: Token) -> Value:
    match token.kind:
        case Kind.STRING:
            return decode_token(token.text)
        case Kind.INTEGER:
            return _integer(token.text)
        case Kind.FLOAT:
            return _double(token.text)
        case Kind.KEYWORD:
            return _keyword(token.text)
        case _:
            raise _ParseError("expecting value")


def _integer(text: bytes) -> int | float:
    """Exact within int64 and uint64, a C double beyond."""
    if len(text) <= _INTEGER_DIGITS:
        value = int(text)
        if _INT64_MIN <= value <= _UINT64_MAX:
            return value
    return _double(text)


def _double(text: bytes) -> float:
    value = float(text)
    if math.isinf(value):
        raise _ParseError("number out of range")
    return value


def _keyword(text: bytes) -> Value:
    if text not in _KEYWORDS:
        raise _ParseError(f"invalid keyword '{text.decode()}'")
    return _KEYWORDS[text]
