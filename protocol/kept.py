"""Encoded replies that are still true.

A command declares what its reply depends on (``protocol.command``, ``kept``): a token, found from
the context before the handler is called.  As long as the token is equal, so is the reply, and its
encoding is used again.  One reply is held for each command that declares it, so memory is bounded
by the number of commands; a token that never comes back costs one encoding, and leaves nothing.
"""

from collections.abc import Hashable

from protocol import encode
from protocol.encode import ABSENT
from protocol.value import Value


class KeptReplies:
    """The replies of one machine, for all of its sessions."""

    def __init__(self) -> None:
        self._replies: dict[str, tuple[Hashable, bytes]] = {}

    def find(self, name: str, token: Hashable, request_id: Value) -> bytes | None:
        """Return the reply to a command as a line; None if none is kept that is still true."""
        found = self._replies.get(name)
        if found is None or found[0] != token:
            return None
        return _with_id(found[1], request_id)

    def keep(self, name: str, token: Hashable, body: bytes, request_id: Value) -> bytes:
        """Keep what a reply returns, in the place of an older one; return the reply as a line."""
        line = encode.encode_success(body)
        self._replies[name] = (token, line)
        return _with_id(line, request_id)


def _with_id(line: bytes, request_id: Value) -> bytes:
    if request_id is ABSENT:
        return line
    return b'%b, "id": %b}\r\n' % (line[:-3], encode.encode_value(request_id))
