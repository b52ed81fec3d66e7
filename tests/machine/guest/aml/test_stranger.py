"""Every snippet of ASL yields the same in our interpreter and in Intel's acpiexec."""

from __future__ import annotations

import pytest

from machine.guest.aml import AmlError, Interpreter, Value
from tests.machine.guest.aml import acpiexec
from tests.machine.guest.aml.fakes import MemoryHost

# Each snippet is the body of a method; it leaves no state behind that another one reads.
SNIPPETS = """
concatenate_string_integer: Return(Concatenate("a",1))
concatenate_string_buffer: Return(Concatenate("a",Buffer(){1,2,0xFE}))
concatenate_integer_string: Return(Concatenate(1,"12"))
concatenate_integer_buffer: Return(Concatenate(1,Buffer(){1,2}))
concatenate_integer_integer: Return(Concatenate(1,2))
concatenate_buffer_string: Return(Concatenate(Buffer(){1,2},"ab"))
concatenate_buffer_integer: Return(Concatenate(Buffer(){1,2},7))
concatenate_buffer_buffer: Return(Concatenate(Buffer(){1,2},Buffer(){3}))
concatenate_strings: Return(Concatenate("ab","cd"))
concatenate_device: Return(Concatenate(DEV0,"x"))
concatenate_string_device: Return(Concatenate("x",DEV0))
concatenate_package: Local0 = Package(){1} Return(Concatenate("x",Local0))
concatenate_empty_buffer: Return(Concatenate(Buffer(0){},Buffer(){1}))
concatenate_to_local: Concatenate("a","b",Local0) Return(Local0)
concatenate_to_integer: Name(N,5) Concatenate("1","2",N) Return(N)
res_template: Return(ConcatenateResTemplate(Buffer(){0x22,1,0,0x79,0},Buffer(){0x22,2,0,0x79,0}))
res_template_bad: Return(ConcatenateResTemplate(Buffer(){0x22,1,0},Buffer(){0x79,0}))
to_buffer_string: Return(ToBuffer("abc"))
to_buffer_empty: Return(ToBuffer(""))
to_buffer_integer: Return(ToBuffer(0x1234))
to_buffer_copies: Name(B,Buffer(){1,2}) ToBuffer(B,Local0) Local0[0]=9 Return(B)
to_hex_buffer: Return(ToHexString(Buffer(){1,2,0xFE}))
to_hex_integer: Return(ToHexString(0x1234))
to_hex_string: Return(ToHexString("ab"))
to_hex_empty: Return(ToHexString(Buffer(0){}))
to_decimal_buffer: Return(ToDecimalString(Buffer(){1,20,255}))
to_decimal_integer: Return(ToDecimalString(0x1234))
to_decimal_zero: Return(ToDecimalString(0))
to_decimal_max: Return(ToDecimalString(0xFFFFFFFFFFFFFFFF))
to_decimal_string: Return(ToDecimalString("q"))
to_integer_hex: Return(ToInteger("0x1F"))
to_integer_decimal: Return(ToInteger("31"))
to_integer_spaces: Return(ToInteger("  31z"))
to_integer_tab: Return(ToInteger("\\t0X1g"))
to_integer_letters: Return(ToInteger("abc"))
to_integer_empty: Return(ToInteger(""))
to_integer_buffer: Return(ToInteger(Buffer(){1,2,3}))
to_integer_empty_buffer: Return(ToInteger(Buffer(0){}))
to_integer_overflow: Return(ToInteger("123456789012345678901234567890"))
to_integer_hex_overflow: Return(ToInteger("0x12345678901234567890"))
to_integer_leading_zeros: Return(ToInteger("0000000000000000000000000000000000000012"))
to_string_nul: Return(ToString(Buffer(){0x41,0x42,0,0x43}))
to_string_length: Return(ToString(Buffer(){0x41,0x42,0x44,0x43},2))
to_string_zero_length: Return(ToString(Buffer(){0x41,0x42},0))
to_string_empty: Return(ToString(Buffer(0){}))
to_string_integer: Return(ToString(0x414243))
to_string_string: Return(ToString("abc"))
to_string_string_length: Return(ToString("abc",2))
mid_string: Return(Mid("hello",1,3))
mid_past_end: Return(Mid("hello",3,30))
mid_beyond: Return(Mid("hello",9,3))
mid_buffer: Return(Mid(Buffer(){1,2,3,4},1,2))
mid_buffer_beyond: Return(Mid(Buffer(){1,2,3,4},4,2))
mid_integer: Return(Mid(0x12345,2,3))
equal_strings: Return("abc"=="abc")
equal_string_case: Return("abc"=="ABC")
equal_integer_string: Return(1=="1")
equal_string_integer: Return("1"==1)
equal_buffers: Return(Buffer(){1,2}==Buffer(){1,2})
equal_buffer_lengths: Return(Buffer(){1,2}==Buffer(){1,2,0})
equal_buffer_integer: Return(Buffer(){1,0,0,0,0,0,0,0}==1)
equal_integer_buffer: Return(0x201==Buffer(){1,2})
equal_buffer_string: Return(Buffer(){0x61,0}=="a")
equal_string_buffer: Return("0x01 0x02"==Buffer(){1,2})
less_strings: Return("abc"<"abd")
less_prefix: Return("ab"<"abc")
less_empty: Return(""<"a")
greater_buffers: Return(Buffer(){2}>Buffer(){1,9})
less_buffers: Return(Buffer(){1,2,3}<Buffer(){1,2,3,4})
greater_buffer_prefix: Return(Buffer(){1,2,3,4}>Buffer(){1,2,3})
not_equal: Return(1!=2)
less_equal: Return(2<=2)
greater_equal: Return(1>=2)
and_strings: Return(LAnd("0","1"))
or_buffer: Return(LOr(Buffer(){0},"0"))
not_string: Return(LNot("0"))
implicit_add_strings: Return(Add("10","20"))
implicit_add_prefix: Return(Add("0x10",0))
implicit_add_garbage: Return(Add("zz",1))
implicit_add_space: Return(Add("  1F",0))
implicit_add_long: Return(Add("12345678901234567890ab",0))
implicit_add_leading_zeros: Return(Add("000000000000000000000000012",0))
implicit_add_buffer: Return(Add(Buffer(){1,2},1))
implicit_add_long_buffer: Return(Add(Buffer(){1,2,3,4,5,6,7,8,9,10},0))
implicit_add_empty_buffer: Return(Add(Buffer(0){},1))
implicit_add_empty_string: Return(Add("",1))
add_package: Local0=Package(){1} Return(Add(Local0,1))
add_wraps: Return(Add(0xFFFFFFFFFFFFFFFF,2))
subtract_wraps: Return(Subtract(1,2))
multiply_wraps: Return(Multiply(0xFFFFFFFFFFFFFFFF,3))
divide_both: Divide(100,7,Local0,Local1) Return(Concatenate(Local0,Local1))
divide_zero: Return(Divide(1,0))
divide_value: Return(Divide(100,7))
mod_zero: Return(Mod(1,0))
mod: Return(Mod(100,7))
shift_left_64: Return(ShiftLeft(1,64))
shift_left_63: Return(ShiftLeft(3,63))
shift_right_100: Return(ShiftRight(0xFF,100))
shift_right: Return(ShiftRight(0xFF00,4))
bit_not: Return(Not(0x5A))
nand: Return(NAnd(5,3))
nor: Return(NOr(5,3))
xor: Return(XOr(5,3))
left_bit: Return(FindSetLeftBit(0x80))
left_bit_zero: Return(FindSetLeftBit(0))
left_bit_top: Return(FindSetLeftBit(0x8000000000000000))
right_bit: Return(FindSetRightBit(0x80))
right_bit_zero: Return(FindSetRightBit(0))
from_bcd: Return(FromBCD(0x1234))
from_bcd_bad: Return(FromBCD(0xA))
to_bcd: Return(ToBCD(1234))
to_bcd_too_big: Return(ToBCD(0xFFFFFFFFFFFFFFFF))
increment_local: Local0=5 Increment(Local0) Return(Local0)
increment_name: Name(N,5) Increment(N) Return(N)
increment_string: Name(S,"5") Increment(S) Return(S)
decrement_zero: Local0=0 Decrement(Local0) Return(Local0)
increment_value: Local0=5 Return(Increment(Local0))
increment_buffer_byte: Name(B,Buffer(){255,1}) B[0]++ Return(B)
store_string_to_integer: Name(N,5) Store("1F",N) Return(N)
store_buffer_to_integer: Name(N,5) Store(Buffer(){1,2},N) Return(N)
store_integer_to_string: Name(S,"a") Store(0x41,S) Return(S)
store_buffer_to_string: Name(S,"a") Store(Buffer(){1,2},S) Return(S)
store_string_to_buffer: Name(B,Buffer(4){}) Store("pqrstuv",B) Return(B)
store_short_string_to_buffer: Name(B,Buffer(){1,2,3,4}) Store("x",B) Return(B)
store_integer_to_buffer: Name(B,Buffer(4){}) Store(0x1122334455667788,B) Return(B)
store_integer_to_long_buffer: Name(B,Buffer(12){9,9,9,9,9,9,9,9,9,9}) Store(0x11,B) Return(B)
store_buffer_to_empty_buffer: Name(B,Buffer(0){}) Store(Buffer(){1,2},B) Return(B)
store_string_to_empty_buffer: Name(B,Buffer(0){}) Store("ab",B) Return(B)
store_to_package: Name(P,Package(){1}) Store(5,P) Return(P)
store_package_to_package: Name(P,Package(){1}) Store(Package(){2,3},P) Return(P)
store_package_to_integer: Name(N,1) Local0=Package(){2} Store(Local0,N) Return(N)
store_value: Name(N,5) Return(Store("abc",N))
store_copies_package: Name(P,Package(){1,2}) Local0=P Local0[0]=9 Return(P)
store_copies_buffer: Name(B,Buffer(){1,2}) Local0=B Local0[0]=9 Return(B)
store_copies_local: Local0=Buffer(){1,2} Local1=Local0 Local1[0]=9 Return(Local0)
store_to_device: Store(1,DEV0)
copy_object_changes_type: Name(N,5) CopyObject("s",N) Return(N)
copy_object_package: Name(N,5) CopyObject(Package(){1,"x"},N) Return(N)
copy_object_buffer_length: Name(B,Buffer(8){}) CopyObject(Buffer(2){7},B) Return(B)
explicit_to_string_target: Name(S,"a") ToInteger(Buffer(){0x78},S) Return(S)
explicit_to_integer_target: Name(N,1) ToHexString(5,N) Return(N)
arithmetic_to_string_target: Name(S,"a") Add(1,2,S) Return(S)
arithmetic_to_buffer_target: Name(B,Buffer(2){}) Add(0x10001,2,B) Return(B)
mid_to_integer_target: Name(N,1) Mid("12345",1,2,N) Return(N)
arg_ref_name: SETA(RefOf(GLO0)) Local0=GLO0 GLO0=5 Return(Local0)
arg_ref_local: Local0=1 SETA(RefOf(Local0)) Return(Local0)
arg_ref_changes_type: Name(S,"abc") SETA(RefOf(S)) Return(S)
arg_value: Local0=1 SETA(Local0) Return(Local0)
arg_index: Name(P,Package(){1,2}) SETA(Index(P,0)) Return(P)
arg_package_by_reference: Name(P,Package(){1,2}) SETI(P) Return(P)
arg_buffer_by_reference: Name(B,Buffer(){1,2}) SETI(B) Return(B)
arg_local_by_reference: Local0=Buffer(){1,2} SETI(Local0) Return(Local0)
arg_temporary: SETI(Buffer(){1,2}) Return(1)
index_package: Name(P,Package(){1,"x",3}) Return(DerefOf(P[1]))
index_string: Name(S,"abc") Return(DerefOf(S[1]))
index_buffer: Name(B,Buffer(){5,6}) Return(DerefOf(B[1]))
index_beyond_package: Name(P,Package(){1}) Return(DerefOf(P[1]))
index_beyond_buffer: Name(B,Buffer(){1}) Return(DerefOf(B[1]))
index_beyond_string: Name(S,"a") Return(DerefOf(S[1]))
index_store_string: Name(S,"abc") Store(0x5A,S[1]) Return(S)
index_store_string_local: Local0="abc" Store(0x5A,Local0[1]) Return(Local0)
index_store_string_nul: Name(S,"abc") Store(0,S[1]) Return(SizeOf(S))
index_store_buffer: Name(B,Buffer(){1,2}) Store(0x15A,B[1]) Return(B)
index_store_buffer_string: Name(B,Buffer(){1,2}) Store("Zz",B[1]) Return(B)
index_store_package: Name(P,Package(){1,2}) Store("q",P[1]) Return(P)
index_store_nested: Name(P,Package(){Package(){1,2},3}) Store(9,Index(DerefOf(P[0]),1)) Return(P)
index_store_package_in_itself: Name(P,Package(){1,2}) Store(P,P[0]) Return(P)
index_target_local: Name(P,Package(){1,2}) Index(P,1,Local0) Return(DerefOf(Local0))
index_local_overwritten: Name(P,Package(){1,2}) Index(P,1,Local0) Local0=7 Return(P)
index_uninitialized: Local0=Package(4){1} Return(DerefOf(Local0[3]))
index_temporary: Return(DerefOf(Index(Package(){1,2},1)))
index_integer: Local0=5 Return(DerefOf(Local0[0]))
index_add_target: Name(P,Package(){1,"x"}) Add(1,1,P[1]) Return(P)
index_of_ref: Name(P,Package(){1,2}) Local0=RefOf(P) Return(DerefOf(Index(DerefOf(Local0),1)))
index_computed: Name(P,Package(){"a","b"}) Return(DerefOf(Index(P,Add(0,1))))
match_first: Return(Match(Package(){1,5,7,9},MGT,4,MLT,9,0))
match_none: Return(Match(Package(){1,5,7,9},MEQ,10,MTR,0,0))
match_start: Return(Match(Package(){1,5,1,9},MEQ,1,MTR,0,1))
match_string: Return(Match(Package(){"a","b",1},MEQ,"b",MTR,0,0))
match_mixed: Return(Match(Package(){"a",Buffer(){1},5},MEQ,5,MTR,0,0))
match_ge_le: Return(Match(Package(){1,5,7,9},MGE,5,MLE,6,0))
match_uninitialized: Local0=Package(3){1} Return(Match(Local0,MEQ,2,MTR,0,0))
ref_local: Name(N,5) Local0=RefOf(N) Return(DerefOf(Local0))
ref_local_overwritten: Name(N,5) Local0=RefOf(N) Local0=7 Return(N)
ref_store_deref: Name(N,5) Local0=RefOf(N) Store(7,DerefOf(Local0)) Return(N)
ref_string: Name(NN,5) Local0="NN" Return(DerefOf(Local0))
ref_string_root: Local0="\\\\GLO0" Return(DerefOf(Local0))
ref_string_missing: Local0="NOPE" Return(DerefOf(Local0))
deref_integer: Local0=5 Return(DerefOf(Local0))
ref_of_ref: Name(N,5) Local0=RefOf(N) Local1=RefOf(Local0) Return(DerefOf(DerefOf(Local1)))
add_reference: Name(N,5) Local0=RefOf(N) Return(Add(Local0,1))
cond_ref_missing: Return(CondRefOf(NOPE,Local0))
cond_ref_there: Return(CondRefOf(GLO0,Local0))
cond_ref_deref: If(CondRefOf(GLO0,Local0)){Return(DerefOf(Local0))} Return(0)
cond_ref_local: Return(CondRefOf(Local0))
cond_ref_path: Return(CondRefOf(\\_SB.NOPE))
object_type_integer: Name(N,5) Return(ObjectType(N))
object_type_string: Name(N,"") Return(ObjectType(N))
object_type_buffer: Name(N,Buffer(1){}) Return(ObjectType(N))
object_type_package: Name(N,Package(1){}) Return(ObjectType(N))
object_type_field: Return(ObjectType(FLD0))
object_type_device: Return(ObjectType(DEV0))
object_type_event: Return(ObjectType(EVT0))
object_type_method: Return(ObjectType(SETA))
object_type_mutex: Return(ObjectType(MTX0))
object_type_region: Return(ObjectType(REG0))
object_type_power: Return(ObjectType(PWR0))
object_type_processor: Return(ObjectType(CPU0))
object_type_thermal: Return(ObjectType(THZ0))
object_type_buffer_field: Local0=Buffer(2){} CreateByteField(Local0,0,BF) Return(ObjectType(BF))
object_type_debug: Return(ObjectType(Debug))
object_type_uninitialized: Return(ObjectType(Local0))
object_type_local: Local0="a" Return(ObjectType(Local0))
object_type_reference: Name(N,5) Local0=RefOf(N) Return(ObjectType(Local0))
object_type_index: Name(P,Package(){1,"x"}) Return(ObjectType(P[1]))
object_type_index_buffer: Name(B,Buffer(){1}) Return(ObjectType(B[0]))
object_type_root_sb: Return(ObjectType(\\_SB))
size_of_integer: Name(N,5) Return(SizeOf(N))
size_of_string: Name(N,"abc") Return(SizeOf(N))
size_of_buffer: Name(N,Buffer(7){}) Return(SizeOf(N))
size_of_package: Name(N,Package(6){}) Return(SizeOf(N))
size_of_index: Name(P,Package(){1,Buffer(2){}}) Return(SizeOf(P[1]))
size_of_reference: Name(S,"abc") Local0=RefOf(S) Return(SizeOf(Local0))
size_of_device: Return(SizeOf(DEV0))
size_of_local: Local0="hello" Return(SizeOf(Local0))
uninitialized_local: Return(Local0)
uninitialized_add: Return(Add(Local0,1))
missing_name: Return(NOPE)
package_elements: Name(P,Package(){1,"x",Buffer(){7},Package(){2}}) Return(P)
package_short: Name(P,Package(4){1,2}) Return(P)
package_var: Local0=3 Local1=Package(Local0){1,2} Return(Local1)
package_var_cut: Local0=1 Local1=Package(Local0){1,2} Return(Local1)
buffer_longer_than_size: Return(Buffer(2){1,2,3})
buffer_var_size: Local0=3 Return(Buffer(Local0){1})
create_bit: Local0=Buffer(){0xF0,1} CreateBitField(Local0,8,BF) Return(BF)
create_byte: Local0=Buffer(){1,2,3} CreateByteField(Local0,1,BF) Return(BF)
create_word: Local0=Buffer(){1,2,3} CreateWordField(Local0,1,BF) Return(BF)
create_dword: Local0=Buffer(){1,2,3,4,5} CreateDWordField(Local0,1,BF) Return(BF)
create_qword: Local0=Buffer(9){1,2,3,4,5} CreateQWordField(Local0,1,BF) Return(BF)
create_field: Local0=Buffer(){1,2,3,4} CreateField(Local0,4,12,BF) Return(BF)
create_field_wide: Local0=Buffer(20){1,2,3,4,5,6,7,8,9,10} CreateField(Local0,4,100,BF) Return(BF)
create_field_beyond: Local0=Buffer(){1,2} CreateWordField(Local0,1,BF) Return(BF)
create_field_empty: Local0=Buffer(){1,2} CreateField(Local0,1,0,BF) Return(BF)
create_field_name: Name(B,Buffer(){1,2,3,4}) CreateWordField(B,1,BF) BF=0xAABB Return(B)
create_field_local: Local0=Buffer(){1,2,3,4} CreateWordField(Local0,1,BF) BF=0xAABB Return(Local0)
create_field_bits: Name(B,Buffer(){0,0,0,0}) CreateField(B,3,11,BF) BF=0xFFFF Return(B)
create_field_buffer: Name(B,Buffer(){9,9,9,9}) CreateField(B,8,16,BF) BF=Buffer(){1} Return(B)
create_field_string: Name(B,Buffer(){9,9,9,9,9,9}) CreateField(B,8,32,BF) BF="ab" Return(B)
create_field_increment: Name(B,Buffer(){255,0}) CreateWordField(B,0,BF) BF++ Return(B)
create_field_of_integer: Name(N,5) CreateByteField(N,0,BF) Return(BF)
store_to_bit: Name(B,Buffer(){0}) CreateBitField(B,3,BF) BF=3 Return(B)
while_loop: Local0=0 Local1=0 While(Local0<9){Local0++ If(Local0==3){Continue} \
  If(Local0==7){Break} Local1+=Local0} Return(Local1)
while_nested: Local2=0 Local0=0 While(Local0<3){Local1=0 \
  While(1){Local1++ Local2++ If(Local1==4){Break}} Local0++} Return(Local2)
while_return: While(1){Return(5)}
if_else: If(0){Return(1)} Else{Return(2)}
elseif: Local0=2 If(Local0==1){Return(1)} ElseIf(Local0==2){Return(20)} Else{Return(3)}
if_string: If("1"){Return(1)} Return(0)
if_buffer: If(Buffer(){0}){Return(1)} Return(0)
switch: Local0=3 Switch(ToInteger(Local0)){ \
  Case(1){Return(1)} Case(Package(){2,3}){Return(23)} Default{Return(0)}} Return(9)
nothing: Noop
no_return_value: SETA(1) Return(7)
recursion: Return(FACT(5))
recursion_forever: Return(DEEP(1))
method_local_names: Local0=LOCN() Local1=LOCN() Return(Local0+Local1)
method_local_gone: LOCN() Return(CondRefOf(\\LOCN.LOC0))
names_twice: Name(N,1) Name(N,2) Return(N)
scope_in_method: Scope(\\_SB){Name(NEWN,4)} Return(\\_SB.NEWN)
scope_name_gone: Return(CondRefOf(\\_SB.NEWN))
method_in_method: Method(INNR,1){Return(Arg0+1)} Return(INNR(4))
search_upwards: Return(\\_SB.UPP0.UPP1.FIND())
multi_seg_not_searched: Return(\\_SB.UPP0.UPP1.MULT())
parent_prefix: Return(\\_SB.UPP0.UPP1.PARE())
alias: Return(ALI0)
alias_store: ALI0=6 Local0=GLO0 GLO0=5 Return(Local0)
alias_method: Return(ALI1(4))
acquire: Return(Acquire(MTX0,100))
acquire_twice: Acquire(MTX0,100) Local0=Acquire(MTX0,100) Release(MTX0) Release(MTX0) Return(Local0)
acquire_order: Acquire(MTX5,100) Acquire(MTX0,100) Return(1)
acquire_rising: Acquire(MTX0,100) Acquire(MTX5,100) Release(MTX5) Release(MTX0) Return(1)
release_order: Acquire(MTX0,100) Acquire(MTX5,100) Release(MTX0) Return(1)
release_unheld: Release(MTX0) Return(1)
acquire_device: Return(Acquire(DEV0,1))
global_lock: Return(Acquire(\\_GL,100))
serialized_recursion: Return(SREC(3))
serialized_level: Acquire(MTX5,100) SLOW() Return(1)
event_wait: Signal(EVT0) Return(Wait(EVT0,1))
event_timeout: Reset(EVT0) Return(Wait(EVT0,1))
event_reset: Signal(EVT0) Reset(EVT0) Return(Wait(EVT0,1))
sleep: Sleep(1) Stall(1) Return(1)
stall_long: Stall(255) Return(1)
stall_too_long: Stall(256) Return(1)
load_table_missing: Return(LoadTable("OEMX","","","","",0))
osi_windows: Return(LNot(LNot(_OSI("Windows 2015"))))
osi_linux: Return(_OSI("Linux"))
osi_module: Return(_OSI("Module Device"))
revision: Return(Revision)
rev: Return(\\_REV)
os: Return(\\_OS)
ones: Return(Ones)
timer: Local0=Timer Local1=Timer Return(Local1>=Local0)
uuid: Return(ToUUID("33db4d5b-1ff7-401c-9657-7441c03dd766"))
unicode: Return(Unicode("ab"))
eisaid: Return(EisaId("PNP0A06"))
notify_device: Notify(DEV0,0x80) Return(1)
notify_reference: Local0=RefOf(DEV0) Notify(Local0,0x80) Return(1)
notify_integer: Notify(GLO0,0x80) Return(1)
debug_store: Debug="x" Debug=1 Debug=Package(){1} Return(1)
fatal: Fatal(1,2,3) Return(1)
package_of_names: Return(PKGN)
package_forward: Return(PKGF)
package_name_copy: GLO1=6 Local0=PKGC GLO1=5 Return(Local0)
field_region_wide: FLD1=0x1122 Return(FLD1)
return_field: FLD0=3 Return(FLD0)
and_target: Name(N,0xFF) And(N,0x0F,N) Return(N)
compound: Local0=5 Local0|=0x10 Local0<<=2 Local0-=1 Return(Local0)
not_of_comparison: Return(LNot(1<2))
both_operands_run: Local0=0 If(LAnd(0,Increment(Local0))){} Return(Local0)
string_escape: Return("a\\"b")
"""

DECLARATIONS = r"""
  Device(DEV0){Name(_HID,"ABCD0001")} Name(GLO0,5) Name(GLO1,5)
  Mutex(MTX0,0) Mutex(MTX5,5) Event(EVT0)
  OperationRegion(REG0,SystemMemory,0x1000,0x100)
  Field(REG0,ByteAcc,NoLock,Preserve){FLD0,8,FLD1,13}
  PowerResource(PWR0,1,2){Method(_STA){Return(1)}} Processor(CPU0,1,0x120,6){} ThermalZone(THZ0){}
  Alias(GLO0,ALI0)
  Name(PKGN,Package(){GLO1,"s",SETN}) Name(SETN,"later")
  Name(PKGF,Package(){FWD0,Package(){FWD0}})
  Name(FWD0,0x77) Name(PKGC,Package(){GLO1})
  Method(SETA,1){Store(99,Arg0)} Method(SETI,1){Store(9,Index(Arg0,0))}
  Method(FACT,1){If(Arg0<2){Return(1)} Return(Arg0*FACT(Arg0-1))} Alias(FACT,ALI1)
  Method(DEEP,1){Return(DEEP(Arg0))}
  Method(LOCN){Name(LOC0,3) LOC0++ Return(LOC0)}
  Method(SREC,1,Serialized,2){If(Arg0==0){Return(7)} Return(SREC(Arg0-1))}
  Method(SLOW,0,Serialized,2){Return(1)}
  Scope(\_SB){ Name(UPPN,1) Device(UPP0){Name(_HID,"ABCD0002") Name(UPPN,2) Name(ONLY,8)
   Device(UPP1){Name(_HID,"ABCD0003") Device(DDDD){Name(_HID,"ABCD0004") Name(XXXX,3)}
    Method(FIND){Return(Concatenate(UPPN,ONLY))} Method(MULT){Return(UPP0.ONLY)}
    Method(PARE){Return(^^UPPN)} } } }
"""


def cases() -> dict[str, str]:
    return dict(line.split(": ", 1) for line in SNIPPETS.strip().splitlines())


CASES = cases()
NAMES = {case: f"T{number:03d}" for number, case in enumerate(CASES)}


DELIBERATE = {
    "increment_buffer_byte": "acpiexec refuses an Index as the operand of Increment, ACPI does not",
    "ref_store_deref": "acpiexec refuses DerefOf as a target, ACPI does not",
    "notify_reference": "acpiexec refuses a reference to a device, ACPI does not",
    "fatal": "acpiexec goes on after Fatal",
    "revision": "the revision is that of the interpreter",
    "osi_module": "acpiexec knows no feature groups before an operating system adds them",
}
"""Where we differ from acpiexec, and why."""


def source(revision: int) -> str:
    methods = "\n".join(f"Method({NAMES[case]}){{{body}}}" for case, body in CASES.items())
    head = f'DefinitionBlock ("", "DSDT", {revision}, "TEST", "TEST", 1)'
    return f"{head}\n{{{DECLARATIONS}\n{methods}}}\n"


Both = tuple[Interpreter, dict[str, acpiexec.Outcome]]


@pytest.fixture(scope="module", params=[2, 1], ids=["64-bit", "32-bit"])
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Both:
    folder = tmp_path_factory.mktemp("stranger")
    table = acpiexec.compile_asl(folder, source(request.param))
    ours = Interpreter(MemoryHost())
    ours.load_table(table)
    return ours, acpiexec.run(folder, table, NAMES.values())


def printed(value: Value) -> acpiexec.Printed:
    if isinstance(value, list):
        return [printed(element) for element in value]
    return bytes(value) if isinstance(value, bytearray) else value  # type: ignore[return-value]


def ours_yields(interpreter: Interpreter, path: str) -> acpiexec.Outcome:
    try:
        return acpiexec.Outcome(printed(interpreter.evaluate(path)))
    except AmlError as error:
        return acpiexec.Outcome(error=str(error))


@pytest.mark.acpica
@pytest.mark.parametrize("case", [case for case in CASES if case not in DELIBERATE])
def test_a_snippet_yields_what_acpiexec_yields(both: Both, case: str) -> None:
    interpreter, theirs = both
    expected = theirs[NAMES[case]]
    found = ours_yields(interpreter, f"\\{NAMES[case]}")
    assert (found.value, bool(found.error)) == (expected.value, bool(expected.error)), (
        found,
        expected,
    )


@pytest.mark.acpica
@pytest.mark.parametrize("case", DELIBERATE)
def test_where_we_differ_from_acpiexec_we_still_do(both: Both, case: str) -> None:
    interpreter, theirs = both
    expected = theirs[NAMES[case]]
    found = ours_yields(interpreter, f"\\{NAMES[case]}")
    assert (found.value, bool(found.error)) != (expected.value, bool(expected.error))
