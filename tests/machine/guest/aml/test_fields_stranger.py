"""Every access of every kind of field is the access that Intel's acpiexec makes, in its order."""

from __future__ import annotations

import pytest

from machine.guest.aml import AmlError, Interpreter
from tests.machine.guest.aml import acpiexec
from tests.machine.guest.aml.fakes import AccessHost

DECLARATIONS = """
  OperationRegion(R0,SystemMemory,0x1000,0x100)
  Field(R0,ByteAcc,NoLock,WriteAsZeros){Offset(4),A0,1,A1,1,,6,A2,12}
  Field(R0,DWordAcc,NoLock,Preserve){Offset(8),B0,32,B1,8,B2,64,,4,B3,40}
  Field(R0,WordAcc,NoLock,WriteAsOnes){Offset(0x20),C0,4,C1,24,C2,128}
  Field(R0,AnyAcc,Lock,Preserve){Offset(0x40),D0,32,D1,3,D2,13}
  Field(R0,QWordAcc,NoLock,Preserve){Offset(0x60),E0,64,E1,32,E2,96}
  Field(R0,ByteAcc,NoLock,Preserve){Offset(0x80),IDX,8,DAT,8,BNK,8,Offset(0x88),IDW,32,DAW,32}
  IndexField(IDX,DAT,ByteAcc,NoLock,Preserve){Offset(3),I0,8,I1,4,I2,20}
  IndexField(IDX,DAT,ByteAcc,NoLock,WriteAsZeros){Offset(9),I3,4}
  IndexField(IDW,DAW,DWordAcc,NoLock,Preserve){Offset(4),J0,32,J1,8,Offset(9),J2,8}
  BankField(R0,BNK,5,ByteAcc,NoLock,Preserve){Offset(0x90),K0,8,K1,4,K2,16}
  BankField(R0,BNK,6,DWordAcc,NoLock,WriteAsOnes){Offset(0x94),L0,32,L1,4}
  Field(R0,ByteAcc,NoLock,Preserve){Offset(0xA0),M0,8,AccessAs(DWordAcc),Offset(0xA4),M1,16}
  Field(R0,DWordAcc,NoLock,Preserve){Offset(0xFE),N0,8}
  OperationRegion(R1,SystemMemory,0x2000,0x6)
  Field(R1,DWordAcc,NoLock,Preserve){O0,32,O1,8}
  OperationRegion(R2,SystemMemory,0x3000,0x2)
  Field(R2,DWordAcc,NoLock,Preserve){P0,8}
  Field(R2,ByteAcc,NoLock,Preserve){Q0,8,Q1,8,Q2,8}
"""

BODIES = [
    "A0=1 Local0=A1 A2=0x555 Return(A2)",
    "B0=0x12345678 B1=0x9A B2=0x1122334455667788 B3=0xAABBCCDDEE Return(B3)",
    "C0=7 C1=0x123456 C2=Buffer(16){1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16} Return(C2)",
    "C2=Buffer(3){1,2,3} Return(C2)",
    "C2=5 Return(C1)",
    "D0=0x12345678 D1=5 D2=0x1555 Return(D2)",
    'E0=0x1122334455667788 E1=0x99 E2="hello" Return(E2)',
    "I0=0x11 I1=5 I2=0x12345 Return(I2)",
    "I3=0xF Return(I3)",
    "J0=0x12345678 J1=0x9A J2=0x55 Return(J1)",
    "K0=0x11 K1=5 K2=0x1234 Return(K2)",
    "L0=0x11 L1=5 Return(L1)",
    "M0=1 M1=2 Return(M1)",
    "N0=1 Return(N0)",
    "O0=1 Return(O0)",
    "O1=1 Return(O1)",
    "P0=1 Return(P0)",
    "Q2=1 Return(Q2)",
    "Q0=1 Q1=2 Return(Add(Q0,Q1))",
    "A2++ Return(A2)",
    "Or(B1,3,B1) Return(B1)",
    'A2="zz" Return(A2)',
    "B1=Buffer(){0x77,0x88} Return(B1)",
    "CopyObject(0x123,B1) Return(B1)",
    "Local0=RefOf(B1) Return(DerefOf(Local0))",
    "Local0=E2 Return(SizeOf(Local0))",
    "Return(LEqual(A0,1))",
    "Return(Package(){A0})",
    "If(A1){Return(1)} Return(0)",
]
SILENT = {"T015", "T016", "T017"}  # the first access would leave the region
NAMES = [f"T{number:03d}" for number in range(len(BODIES))]


@pytest.fixture(scope="module")
def table_and_theirs(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[bytes, dict[str, acpiexec.Outcome]]:
    folder = tmp_path_factory.mktemp("fields")
    methods = [f"Method({name}){{{body}}}" for name, body in zip(NAMES, BODIES, strict=True)]
    head = 'DefinitionBlock ("", "DSDT", 2, "TEST", "TEST", 1)'
    text = "\n".join([head, "{", DECLARATIONS, *methods, "}"])
    table = acpiexec.compile_asl(folder, text)
    theirs: dict[str, acpiexec.Outcome] = {}
    for name in NAMES:  # each in a process of its own, so that all memory is zeros
        theirs |= acpiexec.run(folder, table, [name])
    return table, theirs


@pytest.mark.acpica
@pytest.mark.parametrize("name", NAMES)
def test_a_field_makes_the_accesses_of_acpiexec(
    table_and_theirs: tuple[bytes, dict[str, acpiexec.Outcome]], name: str
) -> None:
    table, theirs = table_and_theirs
    host = AccessHost()
    ours = Interpreter(host)
    ours.load_table(table)
    try:
        failed = False
        ours.evaluate(f"\\{name}")
    except AmlError:
        failed = True
    assert theirs[name].accesses or name in SILENT
    expected = [(*access[:3], access[3] & 0xFFFFFFFF) for access in theirs[name].accesses]
    found = [(*access[:3], access[3] & 0xFFFFFFFF) for access in host.accesses]
    assert found == expected
    assert failed == (theirs[name].error is not None)
