"""Messages for a QMP server: right ones, right ones with something wrong in them, and pieces.

Two unexpected members in one object never come about on purpose: which of them is named is the
order of a hash table in QEMU.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

COMMANDS = (
    *("query-name", "query-uuid", "query-target", "nosuch", "query_name", "device_del", "qom-get"),
    *("qom-list", "human-monitor-command", "qmp_capabilities", "stop"),
)
ARGUMENTS = ("id", "path", "property", "enable", "foo", "command-line", "implements")
SCALARS = (
    *(b"1", b"-5", b"0", b"-0.0", b"1e3", b"1E+5", b"0.1", b"1e-7", b"5e-324", b"1e22"),
    *(b"1.7976931348623157e308", b"9007199254740993", b"18446744073709551615"),
    *(b"18446744073709551616", b"-9223372036854775808", b"-9223372036854775809"),
    *(b"null", b"true", b"false", b'"z"', b"'z'", b'""', b'"/"', b'"a\\/b"', b'"\\u00e9"'),
    *(b'"\xc3\xa9"', b'"\xf0\x9f\x98\x80"', b'"\\ud83d\\ude00"', b'"\x7f"', b'"\xc0\x80"'),
    *(b'"\\b\\f\\n\\r\\t\\"\\\\"', b"'\\''", b'"\\\'"', b'"a:b"', b'"nope"', b'"/nosuch"'),
)
VALUES = (*SCALARS, b"[]", b"{}", b'[1,[2,{"a":3}]]', b'{"a":1.5}', b'["oob"]', b'["oob",1]')
PIECES = (
    *VALUES,
    *(b"{", b"}", b"[", b"]", b":", b",", b" ", b"\t", b"\r\n", b"\x00", b"\x7f", b"\xa0", b"\xfe"),
    *(b'"', b"'", b'"\\', b'"\\x"', b'"\\u12"', b'"\\u12G4"', b'"\\ud83d"', b'"\\uFFFE"'),
    *(b'"\xff"', b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"', b'"\xe2\x82"', b'"\x01"'),
    *(b"01", b"+1", b".5", b"1.", b"-", b"-a", b"1a", b"1.5e", b"0x10", b"nul", b"True", b"NaN"),
    *(b"abc1", b"e", b"//x", b"#", b"%d", b"\xef\xbb\xbf", b'"execute"', b'"arguments"'),
)


def message(random: Random) -> bytes:
    """Something to send; it may be incomplete."""
    kind = random.random()
    if kind < 0.4:
        made = command(random)
    elif kind < 0.8:
        made = damaged(random, command(random))
    else:
        made = b"".join(random.choices(PIECES, k=random.randrange(1, 12)))
    return made + random.choice([b"", b"", b"\n", b" ", command(random)])


def command(random: Random) -> bytes:
    """A command whose members have the right types more often than not."""
    members = [(b"execute", _name(random))]
    if random.random() < 0.6:
        members.append((b"arguments", _arguments(random)))
    if random.random() < 0.6:
        members.append((b"id", random.choice(VALUES)))
    random.shuffle(members)
    return b"{%b}" % b", ".join(b'"%b": %b' % member for member in members)


def _name(random: Random) -> bytes:
    if random.random() < 0.05:
        return random.choice(VALUES)
    return b'"%b"' % random.choice(COMMANDS).encode()


def _arguments(random: Random) -> bytes:
    if random.random() < 0.15:
        return random.choice(VALUES)
    given = random.sample(ARGUMENTS, random.choice([0, 1, 1, 1]))
    return b"{%b}" % b", ".join(b'"%b": %b' % (n.encode(), random.choice(VALUES)) for n in given)


def damaged(random: Random, data: bytes) -> bytes:
    """With a byte or a few lost, changed or put in."""
    for _ in range(random.choice([1, 1, 2, 3])):
        at = random.randrange(len(data))
        put = random.choice([b"", random.randbytes(1), random.choice(PIECES)])
        data = data[:at] + put + data[at + random.randrange(2) :]
    return data
