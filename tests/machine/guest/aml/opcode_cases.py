"""A case for each opcode: terms that begin with it, what surrounds them, and what comes out.

``SPECIFICATION`` is the table of opcodes of ACPI 6.5 (§20.3, and the prefixes of §20.2.2 and
§20.2.3), and ``CASES`` has its keys.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from machine.acpi import aml
from machine.acpi.aml_data import pkg

SPECIFICATION: Final = """
00 Zero  01 One  06 Alias  08 Name  0A BytePrefix  0B WordPrefix  0C DWordPrefix  0D StringPrefix
0E QWordPrefix  10 Scope  11 Buffer  12 Package  13 VarPackage  14 Method  15 External
2E DualNamePrefix  2F MultiNamePrefix  5C RootChar  5E ParentPrefix
41 A 42 B 43 C 44 D 45 E 46 F 47 G 48 H 49 I 4A J 4B K 4C L 4D M 4E N 4F O 50 P 51 Q 52 R 53 S 54 T
55 U 56 V 57 W 58 X 59 Y 5A Z 5F _
5B01 Mutex  5B02 Event  5B12 CondRefOf  5B13 CreateField  5B1F LoadTable  5B20 Load  5B21 Stall
5B22 Sleep  5B23 Acquire  5B24 Signal  5B25 Wait  5B26 Reset  5B27 Release  5B28 FromBCD
5B29 ToBCD  5B2A Unload  5B30 Revision  5B31 Debug  5B32 Fatal  5B33 Timer  5B80 OperationRegion
5B81 Field  5B82 Device  5B83 Processor  5B84 PowerResource  5B85 ThermalZone  5B86 IndexField
5B87 BankField  5B88 DataTableRegion
60 Local0  61 Local1  62 Local2  63 Local3  64 Local4  65 Local5  66 Local6  67 Local7
68 Arg0  69 Arg1  6A Arg2  6B Arg3  6C Arg4  6D Arg5  6E Arg6
70 Store  71 RefOf  72 Add  73 Concatenate  74 Subtract  75 Increment  76 Decrement  77 Multiply
78 Divide  79 ShiftLeft  7A ShiftRight  7B And  7C NAnd  7D Or  7E NOr  7F XOr  80 Not
81 FindSetLeftBit  82 FindSetRightBit  83 DerefOf  84 ConcatenateResTemplate  85 Mod  86 Notify
87 SizeOf  88 Index  89 Match  8A CreateDWordField  8B CreateWordField  8C CreateByteField
8D CreateBitField  8E ObjectType  8F CreateQWordField  90 LAnd  91 LOr  92 LNot
9293 LNotEqual  9294 LLessEqual  9295 LGreaterEqual  93 LEqual  94 LGreater  95 LLess
96 ToBuffer  97 ToDecimalString  98 ToHexString  99 ToInteger  9C ToString  9D CopyObject  9E Mid
9F Continue  A0 If  A1 Else  A2 While  A3 Noop  A4 Return  A5 Break  CC BreakPoint  FF Ones
"""

Expected = int | str | bytes | list["Expected"] | type[Exception]
Wrap = Callable[[bytes], bytes]

MASK: Final = 0xFFFF_FFFF_FFFF_FFFF


@dataclass(frozen=True)
class Case:
    """A method's body: what ``wrap`` makes of ``term``; on its own, it returns the term.

    Attributes:
        expected: the value, or Exception where there is to be none.
        stranger: why acpiexec does not say the same, or nothing.
    """

    term: bytes
    expected: Expected
    wrap: Wrap = aml.return_
    stranger: str = ""

    @property
    def body(self) -> bytes:
        return self.wrap(self.term)


def then(*after: bytes, before: bytes = b"") -> Wrap:
    """The term as a statement among others."""
    return lambda term: before + term + b"".join(after)


def given(*before: bytes) -> Wrap:
    """The term as a value, after statements."""
    return lambda term: b"".join(before) + aml.return_(term)


def gives(value: aml.Data) -> bytes:
    return aml.return_(value)


def named(path: str) -> bytes:
    return aml.return_(aml.name_string(path))


def typed(path: str) -> bytes:
    return aml.return_(aml.object_type(path))


def filled(*values: int) -> bytes:
    """Local0 = Buffer(){...}"""
    return aml.store(aml.buffer(bytes(values)), aml.local0)


def set0(value: aml.Data) -> bytes:
    return aml.store(value, aml.local0)


def created(code: bytes, *operands: bytes) -> bytes:
    """A CreateXxxField of Local0, called BFLD."""
    return code + aml.local0 + b"".join(operands) + b"BFLD"


NINE: Final = filled(*range(1, 10))
SSDT: Final = aml.definition_block("SSDT", 2, aml.name("\\LDED", 7))
OTHER_SSDT: Final = aml.definition_block("SSDT", 2, aml.name("OTHR", 8), aml.name("PARA", 0))
RULES: Final = aml.AccessType.ByteAcc, aml.LockRule.NoLock, aml.UpdateRule.Preserve
DECLARATIONS: Final = (
    aml.device("DEV0"),
    aml.name("NUM0", 5),
    aml.name("SSDB", aml.buffer(SSDT)),
    aml.mutex("MTX0"),
    aml.event("EVT0"),
    aml.operation_region("REG0", aml.RegionSpace.SystemMemory, 0x1000, 0x100),
    aml.field("REG0", *RULES, *(aml.named_field(seg, 8) for seg in ("IDX0", "DAT0", "BNK0"))),
)
"""What the methods of all cases may use."""

NESTED: Final = aml.device("DEVX", aml.name("INSD", 6), aml.device("SUBD", aml.name("DEEP", 9)))
EMPTY: Final = b"\x0d\0"

NAMES: Final = {
    f"{ord(lead):02X}": Case(f"{lead}NAM".encode(), 5, given(aml.name(f"{lead}NAM", 5)))
    for lead in "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
}
PREFIXES: Final = {
    "2E": Case(b"\x2eDEVXINSD", 6, given(NESTED)),
    "2F": Case(b"\x2f\x03DEVXSUBDDEEP", 9, given(NESTED)),
    "5C": Case(b"\\NUM0", 5),
    "5E": Case(b"^NUM0", 5),
}
CONSTANTS: Final = {
    "00": Case(b"\x00", 0),
    "01": Case(b"\x01", 1),
    "0A": Case(b"\x0a\x7f", 0x7F),
    "0B": Case(b"\x0b\x34\x12", 0x1234),
    "0C": Case(b"\x0c\x78\x56\x34\x12", 0x12345678),
    "0D": Case(b"\x0dtext\x00", "text"),
    "0E": Case(b"\x0e\x08\x07\x06\x05\x04\x03\x02\x01", 0x0102030405060708),
    "FF": Case(b"\xff", MASK),
    "5B30": Case(b"\x5b\x30", 2, stranger="the revision is that of the interpreter"),
}
VARIABLES: Final = {
    **{
        f"{0x60 + at:02X}": Case(bytes([0x60 + at]), at, given(aml.store(at, bytes([0x60 + at]))))
        for at in range(8)
    },
    **{
        f"{0x68 + at:02X}": Case(
            bytes([0x68 + at]),
            at,
            lambda term: aml.method("ARGS", 7, gives(term)) + gives(aml.call("ARGS", *range(7))),
        )
        for at in range(7)
    },
}

DEFINITIONS: Final = {
    "06": Case(aml.alias("NUM0", "ALIA"), 5, then(named("ALIA"))),
    "08": Case(aml.name("NAME", "text"), "text", then(named("NAME"))),
    "10": Case(aml.scope("\\DEV0", aml.name("ADDD", 4)), 4, then(named("\\DEV0.ADDD"))),
    "14": Case(aml.method("METH", 1, gives(aml.arg0)), 8, then(gives(aml.call("METH", 8)))),
    "15": Case(aml.external("\\EXTN", 1, 0), 1, then(gives(1))),
    "5B01": Case(aml.mutex("MUTE", 2), 9, then(typed("MUTE"))),
    "5B02": Case(aml.event("EVEN"), 7, then(typed("EVEN"))),
    "5B80": Case(
        aml.operation_region("REGN", aml.RegionSpace.SystemMemory, 0x2000, 4),
        10,
        then(typed("REGN")),
    ),
    "5B81": Case(
        aml.field("REG0", *RULES, aml.offset(8), aml.named_field("FLDA", 12)),
        0x123,
        then(aml.store(0xF123, "FLDA"), named("FLDA")),
    ),
    "5B82": Case(aml.device("DEVC"), 6, then(typed("DEVC"))),
    "5B83": Case(pkg(b"\x5b\x83", b"CPUX", bytes(6)), 12, then(typed("CPUX"))),
    "5B84": Case(pkg(b"\x5b\x84", b"PWRX", bytes(3)), 11, then(typed("PWRX"))),
    "5B85": Case(pkg(b"\x5b\x85", b"THZX"), 13, then(typed("THZX"))),
    "5B86": Case(
        pkg(b"\x5b\x86", b"IDX0", b"DAT0", b"\x01", b"\x00\x20", b"IFLD\x08"),
        [4, 0x41],
        then(
            aml.store(0x41, "IFLD"),
            set0(aml.package(0, 0)),
            aml.store(aml.name_string("IDX0"), aml.index(aml.local0, 0)),
            aml.store(aml.name_string("DAT0"), aml.index(aml.local0, 1)),
            gives(aml.local0),
        ),
    ),
    "5B87": Case(
        pkg(b"\x5b\x87", b"REG0", b"BNK0", b"\x0a\x07", b"\x01", b"\x00\x40\x08", b"BKFL\x08"),
        7,
        then(aml.store(0x41, "BKFL"), named("BNK0")),
    ),
    "5B88": Case(
        b"\x5b\x88TREG" + aml.string("DSDT") + EMPTY + EMPTY,
        int.from_bytes(b"DSDT", "little"),
        then(aml.field("TREG", *RULES, aml.named_field("TSIG", 32)), named("TSIG")),
    ),
    "5B13": Case(
        created(b"\x5b\x13", b"\x0a\x04", b"\x0a\x0c"),
        bytes([0x30, 0x02]),
        then(named("BFLD"), before=filled(0, 0x23, 0xF2)),
    ),
    "8A": Case(created(b"\x8a", b"\x01"), 0x05040302, then(named("BFLD"), before=NINE)),
    "8B": Case(created(b"\x8b", b"\x01"), 0x0302, then(named("BFLD"), before=NINE)),
    "8C": Case(created(b"\x8c", b"\x01"), 0x02, then(named("BFLD"), before=NINE)),
    "8D": Case(created(b"\x8d", b"\x0a\x09"), 1, then(named("BFLD"), before=filled(0, 2))),
    "8F": Case(created(b"\x8f", b"\x01"), 0x0908070605040302, then(named("BFLD"), before=NINE)),
}

STATEMENTS: Final = {
    "5B20": Case(b"\x5b\x20SSDB\x60", 7, then(named("\\LDED"))),
    "5B21": Case(aml.stall(10), 1, then(gives(1))),
    "5B22": Case(aml.sleep(1), 1, then(gives(1))),
    "5B24": Case(aml.signal("EVT0"), 0, then(gives(aml.wait("EVT0", 1)))),
    "5B26": Case(
        aml.reset("EVT0"), MASK, then(gives(aml.wait("EVT0", 1)), before=aml.signal("EVT0"))
    ),
    "5B27": Case(aml.release("MTX0"), 1, then(gives(1), before=aml.acquire("MTX0", 100))),
    "5B2A": Case(b"\x5b\x2aNUM0", Exception, then(gives(1))),
    "5B31": Case(b"\x5b\x31", 1, then(gives(1), before=b"\x70" + aml.string("seen"))),
    "5B32": Case(
        b"\x5b\x32\x01\x02\0\0\0\x0a\x03",
        Exception,
        then(gives(1)),
        stranger="it goes on after Fatal",
    ),
    "86": Case(aml.notify("DEV0", 0x80), 1, then(gives(1))),
    "9F": Case(
        b"\x9f",
        6,
        lambda term: (
            set0(0)
            + aml.while_(aml.lless(aml.local0, 6), aml.increment(aml.local0), term, gives(0))
            + gives(aml.local0)
        ),
    ),
    "A0": Case(aml.if_(aml.lequal(1, 1), gives(2)), 2, then(gives(1))),
    "A1": Case(aml.else_(gives(3)), 3, then(gives(1), before=aml.if_(aml.zero, gives(2)))),
    "A2": Case(
        aml.while_(aml.lless(aml.local0, 6), aml.increment(aml.local0)),
        6,
        then(gives(aml.local0), before=set0(0)),
    ),
    "A3": Case(b"\xa3", 1, then(gives(1))),
    "A4": Case(gives(4), 4, then(gives(1))),
    "A5": Case(b"\xa5", 1, lambda term: aml.while_(aml.one, term, gives(0)) + gives(1)),
    "CC": Case(b"\xcc", 1, then(gives(1)), stranger="its debugger stops there"),
}

ARITHMETIC: Final = {
    "72": Case(aml.add(MASK, 2), 1),
    "74": Case(aml.subtract(1, 2), MASK),
    "75": Case(aml.increment(aml.local0), 6, given(set0(5))),
    "76": Case(aml.decrement(aml.local0), MASK, given(set0(0))),
    "77": Case(aml.multiply(1 << 63, 3), 1 << 63),
    "78": Case(
        aml.divide(100, 7, aml.local0),
        [2, 14],
        lambda term: (
            aml.store(term, aml.local1)
            + aml.store(aml.package(0, 0), aml.local2)
            + aml.store(aml.local0, aml.index(aml.local2, 0))
            + aml.store(aml.local1, aml.index(aml.local2, 1))
            + gives(aml.local2)
        ),
    ),
    "79": Case(aml.shift_left(3, 63), 1 << 63),
    "7A": Case(aml.shift_right(0x105, 4), 0x10),
    "7B": Case(aml.and_(0b1100, 0b1010), 0b1000),
    "7C": Case(aml.nand(0b1100, 0b1010), MASK - 0b1000),
    "7D": Case(aml.or_(0b1100, 0b1010), 0b1110),
    "7E": Case(aml.nor(0b1100, 0b1010), MASK - 0b1110),
    "7F": Case(aml.xor(0b1100, 0b1010), 0b0110),
    "80": Case(aml.not_(0xF0), MASK - 0xF0),
    "81": Case(aml.find_set_left_bit(0x48), 7),
    "82": Case(aml.find_set_right_bit(0x48), 4),
    "85": Case(aml.mod(100, 7), 2),
    "90": Case(aml.land(2, 4), MASK),
    "91": Case(aml.lor(0, 4), MASK),
    "92": Case(aml.lnot(4), 0),
    "93": Case(aml.lequal("a", "a"), MASK),
    "94": Case(aml.lgreater(2, 1), MASK),
    "95": Case(aml.lless(2, 1), 0),
    "9293": Case(aml.lnotequal(2, 1), MASK),
    "9294": Case(aml.llessequal(2, 2), MASK),
    "9295": Case(aml.lgreaterequal(1, 2), 0),
    "5B28": Case(aml.from_bcd(0x1234), 1234),
    "5B29": Case(aml.to_bcd(1234), 0x1234),
}

TEMPLATE: Final = aml.buffer(b"\x22\x01\x00\x79\x00")
DATA: Final = {
    "11": Case(aml.buffer(b"\x01\x02", 4), b"\x01\x02\0\0"),
    "12": Case(aml.package(1, "x"), [1, "x"]),
    "13": Case(pkg(b"\x13", aml.local0, b"\x01", b"\x0a\x02"), [1, 2], given(set0(2))),
    "70": Case(aml.store(5, aml.local0), 5),
    "71": Case(aml.ref_of("NUM0"), 5, lambda term: gives(aml.deref_of(term))),
    "73": Case(aml.concat("a", "b"), "ab"),
    "83": Case(aml.deref_of(aml.local0), 5, given(set0(aml.ref_of("NUM0")))),
    "84": Case(aml.concat_res(TEMPLATE, TEMPLATE), b"\x22\x01\0\x22\x01\0\x79\0"),
    "87": Case(aml.size_of("SSDB"), len(SSDT)),
    "88": Case(aml.index(aml.package(7, 8), 1), 8, lambda term: gives(aml.deref_of(term))),
    "89": Case(b"\x89" + aml.package(1, 5, 9) + b"\x05\x0a\x02\x03\x0a\x09\x00", 1),
    "8E": Case(aml.object_type("DEV0"), 6),
    "96": Case(aml.to_buffer("ab"), b"ab\0"),
    "97": Case(aml.to_decimal_string(0x1F), "31"),
    "98": Case(aml.to_hex_string(aml.buffer(b"\x01\xfe")), "0x01,0xFE"),
    "99": Case(aml.to_integer("31"), 31),
    "9C": Case(aml.to_string(aml.buffer(b"abc"), 2), "ab"),
    "9D": Case(
        aml.copy_object("text", "NAMX"), "text", then(named("NAMX"), before=aml.name("NAMX", 1))
    ),
    "9E": Case(aml.mid("hello", 1, 3), "ell"),
    "5B12": Case(aml.cond_ref_of("NUM0", aml.local0), MASK),
    "5B1F": Case(
        b"\x5b\x1f"
        + aml.string("SSDT")
        + EMPTY
        + EMPTY
        + aml.string("\\DEV0")
        + aml.string("PARA")
        + b"\x0a\x06",
        6,
        lambda term: set0(term) + named("\\DEV0.PARA"),
        stranger="it has no such table",
    ),
    "5B23": Case(aml.acquire("MTX0", 100), 0),
    "5B25": Case(aml.wait("EVT0", 1), MASK),
    "5B33": Case(
        b"\x5b\x33", MASK, lambda term: set0(term) + gives(aml.llessequal(aml.local0, term))
    ),
}

CASES: Final[dict[str, Case]] = {
    **NAMES,
    **PREFIXES,
    **CONSTANTS,
    **VARIABLES,
    **DEFINITIONS,
    **STATEMENTS,
    **ARITHMETIC,
    **DATA,
}
