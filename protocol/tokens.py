"""The slow path: one JSON value out of tokens at a time, with QEMU's limits and error texts.

It takes whatever a connection brings, cut anywhere; see ``protocol.stream``, which has it made for
the first piece that is not simply one message.
"""

from collections.abc import Iterator

from protocol.lexer import Kind, Lexer, Token
from protocol.parser import Parser
from protocol.stream import Limits, ParseError
from protocol.text import decode_lossy
from protocol.value import Value

_BRACES = {Kind.LCURLY: 1, Kind.RCURLY: -1}
_SQUARES = {Kind.LSQUARE: 1, Kind.RSQUARE: -1}


class TokenStream:
    """The state between two pieces of input."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lexer = Lexer(limits.size)
        self._start_message()

    @property
    def idle(self) -> bool:
        """Tell whether the next byte begins a message, or is the space before one."""
        return self._count == 0 and self._lexer.idle

    def feed(self, data: bytes) -> Iterator[Value | ParseError]:
        """Yield the values and errors that ``data`` completes."""
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
