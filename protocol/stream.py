"""Bytes to messages: where one JSON value ends, QEMU's limits, and the fast path.

A message is complete when its brackets balance or one closes that was never opened; braces and
square brackets are counted apart, so ``[}`` is complete, and wrong, at its second byte.  A lexical
error or a limit drops the message that it falls into; after a byte 0xFF, which no token may hold,
the stream is in a clean state whatever came before.

Between messages a piece is first offered to ``fastpath``; so the stream is best fed line by line.
What that can't judge goes to ``tokens``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from protocol.fastpath import decode_message
from protocol.value import Value

if TYPE_CHECKING:
    from protocol.tokens import TokenStream


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


class JsonStream:
    """Incremental decoder of one connection's input."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS, *, fast: bool = True) -> None:
        self._limits = limits
        self._fast = fast
        self._tokens: TokenStream | None = None

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
        return self._tokens is None or self._tokens.idle

    def by_tokens(self, data: bytes) -> Iterator[Value | ParseError]:
        """Yield the values and errors that ``data`` completes, whatever it is."""
        if data in _BLANK and self.idle:
            return
        if self._tokens is None:
            from protocol.tokens import TokenStream  # noqa: PLC0415 - most clients never need it

            self._tokens = TokenStream(self._limits)
        yield from self._tokens.feed(data)
