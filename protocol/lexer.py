"""Bytes to tokens: the lexical half of QEMU's relaxed JSON, resumable at any byte.

A table says for each state which bytes stay in it, which lead elsewhere, and what is complete when
anything else arrives.  ``TOKEN`` is the same grammar as one regular expression, for tokens that lie
whole in the piece at hand; only a token that is cut by the end of a piece, or is wrong, walks the
table.  Each byte is looked at a bounded number of times however the input is cut.

As in QEMU, a zero has no exponent: ``0e5`` is the number 0, and what follows is a word.

After a lexical error the offending byte is consumed and input is skipped up to a structural
character, a control character other than TAB, or 0xFE/0xFF, which is lexed again from the start
(recovery as recorded from QEMU 7.2.22 and 10.0.13; see tests/data/wire).
"""

import re
from collections.abc import Iterator, Mapping
from enum import IntEnum, StrEnum, auto
from typing import NamedTuple


class Kind(StrEnum):
    """Token kinds; structural characters stand for themselves."""

    LCURLY = "{"
    RCURLY = "}"
    LSQUARE = "["
    RSQUARE = "]"
    COLON = ":"
    COMMA = ","
    STRING = "string"
    INTEGER = "integer"
    FLOAT = "float"
    KEYWORD = "keyword"
    ERROR = "error"
    OVERSIZE = "oversize"


class Token(NamedTuple):
    """A kind and the bytes it was made of, quotes included."""

    kind: Kind
    text: bytes


class _State(IntEnum):
    START = auto()
    DOUBLE_QUOTED = auto()
    DOUBLE_ESCAPE = auto()
    SINGLE_QUOTED = auto()
    SINGLE_ESCAPE = auto()
    KEYWORD = auto()
    MINUS = auto()
    ZERO = auto()
    DIGITS = auto()
    POINT = auto()
    FRACTION = auto()
    EXPONENT = auto()
    EXPONENT_SIGN = auto()
    EXPONENT_DIGITS = auto()
    RECOVERY = auto()
    BAD = auto()


class _Rule(NamedTuple):
    """What a state does with the bytes that follow.

    Attributes:
        run: matches the bytes that stay in the state.
        moves: a byte that is consumed and leads to another state.
        closes: a byte that is consumed and completes a token.
        otherwise: the token that any other byte, left alone, completes; None is an error.
    """

    run: re.Pattern[bytes]
    moves: Mapping[int, _State] = {}
    closes: Mapping[int, Kind] = {}
    otherwise: Kind | None = None


def _moves(*pairs: tuple[bytes, _State]) -> dict[int, _State]:
    return {byte: state for characters, state in pairs for byte in characters}


_STRUCTURAL = b"{}[]:,"
_NONE = re.compile(rb"")
_DIGIT_RUN = re.compile(rb"[0-9]*")
_PRINTABLE = bytes(range(0x20, 0xFE))
_EXPONENT = (b"eE", _State.EXPONENT)

_RULES: Mapping[_State, _Rule] = {
    _State.START: _Rule(
        run=re.compile(rb"[ \t\r\n]*"),
        moves=_moves(
            (b'"', _State.DOUBLE_QUOTED),
            (b"'", _State.SINGLE_QUOTED),
            (b"abcdefghijklmnopqrstuvwxyz", _State.KEYWORD),
            (b"-", _State.MINUS),
            (b"0", _State.ZERO),
            (b"123456789", _State.DIGITS),
        ),
        closes={byte: Kind(chr(byte)) for byte in _STRUCTURAL},
    ),
    _State.DOUBLE_QUOTED: _Rule(
        run=re.compile(rb'[^"\\\x00-\x1f\xfe\xff]*'),
        moves=_moves((b"\\", _State.DOUBLE_ESCAPE)),
        closes={ord('"'): Kind.STRING},
    ),
    _State.DOUBLE_ESCAPE: _Rule(_NONE, _moves((_PRINTABLE, _State.DOUBLE_QUOTED))),
    _State.SINGLE_QUOTED: _Rule(
        run=re.compile(rb"[^'\\\x00-\x1f\xfe\xff]*"),
        moves=_moves((b"\\", _State.SINGLE_ESCAPE)),
        closes={ord("'"): Kind.STRING},
    ),
    _State.SINGLE_ESCAPE: _Rule(_NONE, _moves((_PRINTABLE, _State.SINGLE_QUOTED))),
    _State.KEYWORD: _Rule(re.compile(rb"[a-z]*"), otherwise=Kind.KEYWORD),
    _State.MINUS: _Rule(_NONE, _moves((b"0", _State.ZERO), (b"123456789", _State.DIGITS))),
    _State.ZERO: _Rule(
        run=_NONE,
        moves=_moves((b"0123456789", _State.BAD), (b".", _State.POINT)),
        otherwise=Kind.INTEGER,
    ),
    _State.DIGITS: _Rule(_DIGIT_RUN, _moves((b".", _State.POINT), _EXPONENT), {}, Kind.INTEGER),
    _State.POINT: _Rule(_NONE, _moves((b"0123456789", _State.FRACTION))),
    _State.FRACTION: _Rule(_DIGIT_RUN, _moves(_EXPONENT), {}, Kind.FLOAT),
    _State.EXPONENT: _Rule(
        run=_NONE,
        moves=_moves((b"+-", _State.EXPONENT_SIGN), (b"0123456789", _State.EXPONENT_DIGITS)),
    ),
    _State.EXPONENT_SIGN: _Rule(_NONE, _moves((b"0123456789", _State.EXPONENT_DIGITS))),
    _State.EXPONENT_DIGITS: _Rule(_DIGIT_RUN, otherwise=Kind.FLOAT),
    _State.RECOVERY: _Rule(re.compile(rb"[^\x00-\x08\x0a-\x1f\xfe\xff{}\[\]:,]*")),
}

_START = _State.START
_UNBUFFERED = frozenset({_State.START, _State.RECOVERY})

TOKEN = re.compile(
    rb"[ \t\r\n]*+(?:"
    rb"([{}\[\]:,])"
    rb'|("(?:[^"\\\x00-\x1f\xfe\xff]++|\\[\x20-\xfd])*+"'
    rb"|'(?:[^'\\\x00-\x1f\xfe\xff]++|\\[\x20-\xfd])*+')"
    rb"|(-?(?:0(?=[^0-9.])|[1-9][0-9]*+(?=[^0-9.eE])))"
    rb"|(-?(?:(?:0|[1-9][0-9]*+)\.[0-9]++|[1-9][0-9]*+(?=[eE]))(?:[eE][+-]?[0-9]++)?(?=[^0-9.eE]))"
    rb"|([a-z]++(?=[^a-z])))"
)
_GROUPS = (None, None, Kind.STRING, Kind.INTEGER, Kind.FLOAT, Kind.KEYWORD)
_STRUCTURES = {bytes([byte]): Token(Kind(chr(byte)), bytes([byte])) for byte in _STRUCTURAL}


class Lexer:
    """The lexical state of one connection.

    Args:
        max_token: bytes that one token may have before it is given up as ``OVERSIZE``.
    """

    def __init__(self, max_token: int) -> None:
        self._max_token = max_token
        self._state = _State.START
        self._partial = bytearray()

    @property
    def idle(self) -> bool:
        """True between tokens, when the next byte is read without memory of earlier ones."""
        return self._state is _START

    def feed(self, data: bytes) -> Iterator[Token]:
        """Yield the tokens that ``data`` completes."""
        position, end = 0, len(data)
        while position < end:
            if self._state is _State.START:
                match = TOKEN.match(data, position, position + self._max_token)
                if match is not None:
                    position = match.end()
                    yield _whole_token(match)
                    continue
            token, position = self._step(data, position)
            if token is not None:
                yield token

    def _step(self, data: bytes, position: int) -> tuple[Token | None, int]:
        """Take a run of bytes that stay in the state, then one that leaves it."""
        rule = _RULES[self._state]
        room = self._max_token + 1 - len(self._partial)
        match = rule.run.match(data, position, position + room)
        stop = position if match is None else match.end()
        if self._state not in _UNBUFFERED:
            self._partial += data[position:stop]
            if len(self._partial) > self._max_token:
                return self._finish(Kind.OVERSIZE), stop
        if stop == len(data):
            return None, stop
        return self._leave(rule, data[stop], stop)

    def _leave(self, rule: _Rule, byte: int, position: int) -> tuple[Token | None, int]:
        if self._state is _State.RECOVERY:
            self._state = _State.START
            return None, position
        if byte not in rule.moves and byte not in rule.closes and rule.otherwise is not None:
            return self._finish(rule.otherwise), position
        self._partial.append(byte)
        return self._consume(rule, byte), position + 1

    def _consume(self, rule: _Rule, byte: int) -> Token | None:
        if byte in rule.closes:
            return self._finish(rule.closes[byte])
        state = rule.moves.get(byte, _State.BAD)
        if state is _State.BAD:
            return self._finish(Kind.ERROR, _State.RECOVERY)
        self._state = state
        return None

    def _finish(self, kind: Kind, state: _State = _State.START) -> Token:
        token = Token(kind, bytes(self._partial))
        self._partial.clear()
        self._state = state
        return token


def _whole_token(match: re.Match[bytes]) -> Token:
    index = match.lastindex or 1
    text = match[index]
    kind = _GROUPS[index]
    return _STRUCTURES[text] if kind is None else Token(kind, text)
