"""Bytes to messages: where one JSON value ends, QEMU's limits, and the fast path.

A message is complete when its brackets balance or one closes that was never opened; braces and
square brackets are counted apart, so ``[}`` is complete, and wrong, at its second byte.  A lexical
error or a limit drops the message that it falls into; after a byte 0xFF, which no token may hold,
the stream is in a clean state whatever came before.

Between messages a piece is first offered to ``fastpath``; so the stream is best fed line by line.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from protocol.fastpath import decode_message
from protocol.lexer import Kind, Lexer, Token
from protocol.parser import Parser, Value
from protocol.text import decode_lossy


@dataclass(frozen=True, slots=True)
class ParseError:
    """Input that is no JSON; ``desc`` is the text to answer with."""

    desc: str


@dataclass(frozen=True, slots=True)
class Limits:
    """QEMU's safety limits for one message (bytes of its tokens, tokens, open brackets)."""

    size: int = 64 << 20
    tokens: int = 2 << 20
    nesting: int = 1024


_BLANK = frozenset({b"\n", b"\r\n", b"\r"})
DEFAULT_LIMITS = Limits()
"""Of every connection, unless a test lowers them."""

_BRACES = {Kind.LCURLY: 1, Kind.RCURLY: -1}
_SQUARES = {Kind.LSQUARE: 1, Kind.RSQUARE: -1}


class JsonStream:
    """Incremental decoder of one connection's input."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS, *, fast: bool = True) -> None:
        self._limits = limits
        self._fast = fast
        self._lexer = Lexer(limits.size)
        self._start_message()

    def feed(self, data: bytes) -> list[Value | ParseError]:
        """Return, in order, the values and errors that ``data`` completes."""
        if (message := self.whole(data)) is not None:
            return [message]
        return list(self.by_tokens(data))

    def whole(self, data: bytes) -> dict[str, Value] | None:
        """Return the message that the data is by itself, None if it must go the slow way."""
        return decode_message(data) if self._fast and self.idle else None

    @property
    def idle(self) -> bool:
        """Tell whether the next byte begins a message, or is the space before one."""
        return self._count == 0 and self._lexer.idle

    def by_tokens(self, data: bytes) -> Iterator[Value | ParseError]:
        """Yield the values and errors that ``data`` completes, whatever it is."""
        if data in _BLANK and self.idle:
            return
        for token in self._lexer.feed(data):
            if (reason := self._refusal(token)) is not None:
                self._start_message()
                yield ParseError(reason)
            elif self._add(token):
                error, value = self._parser.error, self._parser.value
                self._start_message()
                yield value if error is None else ParseError(f"JSON parse error, {error}")

    def _start_message(self) -> None:
        self._parser = Parser()
        self._braces = self._squares = self._count = self._size = 0

    def _refusal(self, token: Token) -> str | None:
        """Return why the token cannot be part of a message, or None."""
        if token.kind is Kind.ERROR:
            return f"JSON parse error, stray '{decode_lossy(token.text)}'"
        self._braces += _BRACES.get(token.kind, 0)
        self._squares += _SQUARES.get(token.kind, 0)
        if self._size + len(token.text) + 1 > self._limits.size:
            return "JSON token size limit exceeded"
        if self._count + 1 > self._limits.tokens:
            return "JSON token count limit exceeded"
        if self._braces + self._squares > self._limits.nesting:
            return "JSON nesting depth limit exceeded"
        return None

    def _add(self, token: Token) -> bool:
        """Add the token to the message; return True if that completes it."""
        self._count += 1
        self._size += len(token.text)
        self._parser.push(token)
        if self._braces < 0 or self._squares < 0:
            return True
        return not (self._braces or self._squares)
