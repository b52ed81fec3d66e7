r"""Decoding a message in one C call, where that provably equals the token-by-token result.

The C decoder speaks strict JSON, a subset of QEMU's dialect but for these, which are left to the
slow path: duplicate keys (it keeps the last; QEMU refuses), text outside ASCII and ``\u`` escapes
(it takes non-characters; QEMU refuses), and integers beyond 64 bits (it keeps them exact; QEMU
makes doubles of them).  Whatever it refuses goes the slow way too, which finds QEMU's words for it.

Duplicates are found by counting: a message has at least as many colons as pairs, and as many pairs
as keys unless some key came twice, so if keys and colons are equal in number every key is unique
(and no string holds a colon; one that does merely costs the slow path).
"""

import re
from typing import Any

import msgspec

_LONGEST = 1 << 16  # longer input is not worth decoding twice, and may touch the limits
_BACKSLASH, _COLON = b"\\:"  # integers: `in` finds them several times faster than bytes
_LONG_NUMBER = re.compile(rb"[0-9]{19}")

_decode = msgspec.json.Decoder().decode
_long_number = _LONG_NUMBER.search


def decode_message(data: bytes) -> dict[str, Any] | None:
    """Return the one JSON object that ``data`` is, or None if the slow path must judge."""
    if len(data) > _LONGEST or not data.isascii() or _long_number(data):
        return None
    if _BACKSLASH in data and b"\\u" in data:
        return None
    try:
        message = _decode(data)
    except (msgspec.MsgspecError, RecursionError):
        return None
    if type(message) is not dict:
        return None
    colons = data.count(_COLON)
    return message if len(message) == colons or _count_keys(message) == colons else None


def _count_keys(value: dict[str, Any]) -> int:
    count = len(value)
    pending = [item for item in value.values() if type(item) in (dict, list)]
    while pending:
        container = pending.pop()
        if type(container) is dict:
            count += len(container)
            container = container.values()
        pending += [item for item in container if type(item) in (dict, list)]
    return count
