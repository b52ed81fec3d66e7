"""The opcodes of AML as a table: code, name, and a program of operands (ACPI 6.5 §20.2, §20.3).

A program is a string of the letters of ``Operand``, in the order of the bytes.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple


class Operand(Enum):
    """How an operand is decoded, and what the operator gets."""

    INTEGER = "I"  # a TermArg, converted to Integer
    DATA = "D"  # a TermArg, any value
    COMPARAND = "K"  # a TermArg with what is known of it
    SOURCE = "A"  # a TermArg that Index can go into: its value, and its place if it has one
    TARGET = "T"  # a Target that converts what is stored, or none
    EXACT = "X"  # a Target that takes the type of what is stored, or none
    PLACE = "S"  # a SuperName
    OBJECT = "R"  # a SuperName; the name of a method is no call
    MAYBE = "C"  # a SuperName that need not exist
    NAME = "N"  # a NameString, as it stands
    BYTE = "b"
    WORD = "w"
    DWORD = "d"
    PACKAGE = "P"  # a PkgLength: what follows lies inside
    BLOCK = "L"  # the TermList that fills the package
    BYTES = "B"  # the bytes that fill the package
    ELEMENTS = "E"  # the PackageElementList that fills the package
    FIELDS = "F"  # the FieldList that fills the package


class Opcode(NamedTuple):
    """An operator: ``integral`` (+), its value is an Integer; ``statement`` (!), it has none."""

    name: str
    operands: tuple[Operand, ...]
    integral: bool
    statement: bool


EXT_PREFIX: Final = 0x5B00

_TABLE: Final = """
    0x06 !Alias NN               0x08 !Name ND                0x10 !Scope PNL
    0x11 Buffer PIB             0x12 Package PbE            0x13 VarPackage PIE
    0x14 !Method PNbL            0x15 !External Nbb
    0x70 Store DT               0x71 RefOf R                0x72 +Add IIT
    0x73 Concatenate DDT        0x74 +Subtract IIT          0x75 +Increment S
    0x76 +Decrement S           0x77 +Multiply IIT          0x78 +Divide IITT
    0x79 +ShiftLeft IIT         0x7A +ShiftRight IIT        0x7B +And IIT
    0x7C +NAnd IIT              0x7D +Or IIT                0x7E +NOr IIT
    0x7F +XOr IIT               0x80 +Not IT                0x81 +FindSetLeftBit IT
    0x82 +FindSetRightBit IT    0x83 DerefOf D              0x84 ConcatenateResTemplate DDT
    0x85 +Mod IIT               0x86 !Notify SI              0x87 +SizeOf S
    0x88 Index AIT              0x89 +Match DbDbDI          0x8A !CreateDWordField DIN
    0x8B !CreateWordField DIN    0x8C !CreateByteField DIN    0x8D !CreateBitField DIN
    0x8E +ObjectType R          0x8F !CreateQWordField DIN   0x90 +LAnd II
    0x91 +LOr II                0x92 +LNot I                0x93 +LEqual KK
    0x94 +LGreater KK           0x95 +LLess KK              0x96 ToBuffer DX
    0x97 ToDecimalString DX     0x98 ToHexString DX         0x99 +ToInteger DX
    0x9C ToString DIX           0x9D CopyObject DX          0x9E Mid DIIT
    0x9F !Continue -             0xA0 !If PIL                 0xA2 !While PIL
    0xA3 !Noop -                 0xA4 !Return D               0xA5 !Break -
    0xCC !BreakPoint -
    0x5B01 !Mutex Nb             0x5B02 !Event N              0x5B12 +CondRefOf CT
    0x5B13 !CreateField DIIN     0x5B1F LoadTable DDDDDD     0x5B20 Load RT
    0x5B21 !Stall I              0x5B22 !Sleep I              0x5B23 +Acquire Sw
    0x5B24 !Signal S             0x5B25 +Wait SI             0x5B26 !Reset S
    0x5B27 !Release S            0x5B28 +FromBCD IT          0x5B29 +ToBCD IT
    0x5B2A !Unload R             0x5B32 !Fatal bdI            0x5B33 +Timer -
    0x5B80 !OperationRegion NbII 0x5B81 !Field PNbF           0x5B82 !Device PNL
    0x5B83 !Processor PNbdbL     0x5B84 !PowerResource PNbwL  0x5B85 !ThermalZone PNL
    0x5B86 !IndexField PNNbF     0x5B87 !BankField PNNIbF     0x5B88 !DataTableRegion NDDD
"""


def _read(table: str) -> dict[int, Opcode]:
    words = iter(table.split())
    found = {}
    for code, name, program in zip(words, words, words, strict=True):
        operands = tuple(Operand(letter) for letter in program if letter != "-")
        mark, bare = name[0], name.lstrip("+!")
        found[int(code, 16)] = Opcode(bare, operands, mark == "+", mark == "!")
    return found


OPCODES: Final = _read(_TABLE)
"""Every operator but names, constants, locals, arguments, Debug and Else."""
