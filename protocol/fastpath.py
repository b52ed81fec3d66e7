r"""Decoding a message in one C call, where that provably equals the token-by-token result.

The C decoder speaks strict JSON, a subset of QEMU's dialect but for these, which are left to the
slow path: duplicate keys (it keeps the last; QEMU refuses), non-characters and ``\u`` escapes (it
takes what QEMU refuses), integers beyond 64 bits (it keeps them exact; QEMU makes doubles of them),
and doubles (it takes ``0e5``; QEMU does not).  Whatever it refuses goes the slow way too, which
finds QEMU's words for it.

Duplicates are found by counting: a message has a colon for each pair, and those inside of strings.
Without escapes the decoded strings have all of their colons, so if there are as many colons as keys
and colons in strings, no pair was lost, and every key is unique.
"""

from typing import Any, Final

import msgspec

_LONGEST: Final = 1 << 16  # longer input is not worth decoding twice, and may touch the limits
_BACKSLASH, _COLON = b"\\:"  # integers: `in` finds them several times faster than bytes
_LEAST, _MOST = -(2**63), 2**64 - 1

_decode = msgspec.json.Decoder().decode


def decode_message(data: bytes) -> dict[str, Any] | None:
    """Return the one JSON object that ``data`` is, or None if the slow path must judge."""
    if len(data) > _LONGEST or (_BACKSLASH in data and b"\\u" in data):
        return None
    try:
        message = _decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if type(message) is not dict:
        return None
    if not data.isascii() and _holds_noncharacters(data.decode()):
        return None
    return message if _is_faithful(message, data.count(_COLON)) else None


def _holds_noncharacters(text: str) -> bool:
    from protocol.text import NONCHARACTERS  # noqa: PLC0415 - most clients speak ASCII

    return NONCHARACTERS.search(text) is not None


def _is_faithful(message: dict[str, Any], colons: int) -> bool:
    """Tell whether nothing was lost, and no number read as QEMU would not."""
    pending: list[Any] = [message]
    texts: list[str] = []
    for item in pending:  # which grows meanwhile
        kind = type(item)
        if kind is str:
            texts.append(item)
        elif kind is dict:
            colons -= len(item)
            pending += item.values()
            texts += item
        elif kind is list:
            pending += item
        elif kind is float or (kind is int and not _LEAST <= item <= _MOST):
            return False
    return colons == 0 or colons == sum(text.count(":") for text in texts)
