"""Strings inside JSON tokens: escapes, and UTF-8 as QEMU judges it.

QEMU's idea of text differs from Python's in three ways: the overlong form C0 80 is U+0000, the
non-characters (U+FDD0 to U+FDEF, and the last two of every plane) are refused, and a sequence is
measured by its first byte even where it can never be valid.
"""

import re

NONCHARACTERS = re.compile(
    "[\ufdd0-\ufdef"
    + "".join(f"{chr(p << 16 | 0xFFFE)}{chr(p << 16 | 0xFFFF)}" for p in range(17))
    + "]"
)
_SEQUENCE = re.compile(
    rb"[\x00-\x7f]+"
    rb"|[\xc0-\xdf][\x80-\xbf]?"
    rb"|[\xe0-\xef][\x80-\xbf]{0,2}"
    rb"|[\xf0-\xf7][\x80-\xbf]{0,3}"
    rb"|[\xf8-\xfb][\x80-\xbf]{0,4}"
    rb"|[\xfc-\xfd][\x80-\xbf]{0,5}"
    rb"|[\x80-\xff]"
)
_ODD_ESCAPE = re.compile(rb"""\\[^"'/bfnrt]""")
_RUN = re.compile(rb"[^\\]*")
_HEX4 = re.compile(rb"[0-9A-Fa-f]{4}")
_SHORT_ESCAPES = dict(zip(b"\"'/bfnrt\\", "\"'/\b\f\n\r\t\\", strict=True))
_REPLACEMENTS = tuple((b"\\%c" % letter, char.encode()) for letter, char in _SHORT_ESCAPES.items())
_BACKSLASH_MARK = b"\1"  # no string token holds a raw control character


class TextError(ValueError):
    """A string token whose content is not text; the message is QEMU's."""


def decode_token(token: bytes) -> str:
    """Return the text of a string token.

    Args:
        token: the token with its quotes.

    Raises:
        TextError: bad escape, bad code point or bad UTF-8, whichever comes first.
    """
    body = token[1:-1]
    if b"\\" not in body:
        return _decode_run(body)
    body = body.replace(b"\\\\", _BACKSLASH_MARK)
    if _ODD_ESCAPE.search(body):
        return _decode_stepwise(token)
    for escape, character in _REPLACEMENTS:
        body = body.replace(escape, character)
    return _decode_run(body).replace("\1", "\\")


def _decode_stepwise(token: bytes) -> str:
    parts: list[str] = []
    position, end = 1, len(token) - 1
    while position < end:
        run = _RUN.match(token, position, end)
        stop = position if run is None else run.end()
        parts.append(_decode_run(token[position:stop]))
        position = stop
        if position < end:
            character, position = _decode_escape(token, position)
            parts.append(character)
    return "".join(parts)


def decode_lossy(data: bytes) -> str:
    """Return ``data`` as text for a message: what is not UTF-8 becomes U+FFFD, a NUL ends it."""
    data = data.partition(b"\0")[0]
    return "".join(_decode_sequence(piece) for piece in _SEQUENCE.findall(data))


def _decode_run(data: bytes) -> str:
    try:
        text = data.replace(b"\xc0\x80", b"\0").decode()
    except UnicodeDecodeError:
        raise TextError("invalid UTF-8 sequence in string") from None
    if not text.isascii() and NONCHARACTERS.search(text):
        raise TextError("invalid UTF-8 sequence in string")
    return text


def _decode_sequence(sequence: bytes) -> str:
    try:
        return _decode_run(sequence)
    except TextError:
        return "\ufffd"


def _decode_escape(token: bytes, position: int) -> tuple[str, int]:
    """Decode the escape at ``position``; return its character and the position after it."""
    letter = token[position + 1]
    if letter == ord("u"):
        return _decode_unicode(token, position)
    if letter not in _SHORT_ESCAPES:
        raise TextError("invalid escape sequence in string")
    return _SHORT_ESCAPES[letter], position + 2


def _decode_unicode(token: bytes, position: int) -> tuple[str, int]:
    code, after = _hex4(token, position + 2), position + 6
    if 0xD800 <= code <= 0xDBFF and token[after : after + 2] == b"\\u":
        low = _hex4(token, after + 2)
        if 0xDC00 <= low <= 0xDFFF:
            code, after = 0x10000 + ((code & 0x3FF) << 10) + (low & 0x3FF), after + 6
    if code < 0 or 0xD800 <= code <= 0xDFFF or NONCHARACTERS.match(chr(code)):
        raise TextError(f"{decode_lossy(token[position:after])} is not a valid Unicode character")
    return chr(code), after


def _hex4(token: bytes, position: int) -> int:
    match = _HEX4.match(token, position)
    return -1 if match is None else int(match[0], 16)
