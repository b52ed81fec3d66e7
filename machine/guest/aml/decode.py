"""Decoding of AML into closures, a statement at a time, right before its first execution.

How many arguments follow a name is known only once the name is (ACPI 6.5 §20.2.5,
MethodInvocation), and names come into being as statements execute. So a block decodes its next
statement when execution gets there, and keeps the closure for the next time. Blocks inside a
statement are skipped by their PkgLength until they are entered.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from machine.guest.aml import access
from machine.guest.aml.access import Builders, Place, Run, Term, Writer
from machine.guest.aml.budget import check_elements
from machine.guest.aml.errors import AmlError, BadEncodingError, LimitExceededError
from machine.guest.aml.field_list import field_list
from machine.guest.aml.if_chain import if_chain
from machine.guest.aml.objects import Method, NativeMethod
from machine.guest.aml.opcodes import EXT_PREFIX, OPCODES, Opcode, Operand
from machine.guest.aml.stream import NAME_STARTS, Stream
from machine.guest.aml.values import Reference, Temporary, Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine.guest.aml.context import Context, Frame
    from machine.guest.aml.names import NamePath
    from machine.guest.aml.namespace import Node

MAX_NESTING: Final = 100
_IF: Final = 0xA0
_ELSE: Final = 0xA1
_WHILE: Final = 0xA2
_EXT: Final = 0x5B
_REVISION: Final = 0x5B30
_DEBUG: Final = 0x5B31
_CONSTANT_SIZES: Final = {0x0A: 1, 0x0B: 2, 0x0C: 4, 0x0E: 8}
_BYTE: Final = 0x0A
_STRING: Final = 0x0D
_ONES: Final = 0xFF
_REF_OF, _DEREF_OF, _INDEX = 0x71, 0x83, 0x88
_LOCALS: Final = range(0x60, 0x68)
_ARGS: Final = range(0x68, 0x6F)


Program = tuple["Callable[[Decoder], Any]", ...]


class Signal(Enum):
    """Why a block ended before its last statement."""

    BREAK = "Break"
    CONTINUE = "Continue"
    RETURN = "Return"


class Source(NamedTuple):
    """A value to index into, and its place if it has one."""

    run: Run
    place: Place | None


class Code(NamedTuple):
    """A table's bytes, and what decoding them takes."""

    context: Context
    builders: Builders
    data: bytes


class Block:
    """A TermList, decoded as it is executed."""

    __slots__ = ("_code", "_end", "_pos", "_statements", "_steps")

    def __init__(self, code: Code, pos: int, end: int) -> None:
        self._code = code
        self._pos = pos
        self._end = end
        self._statements: list[Run] | None = None
        self._steps = 0

    def run(self, frame: Frame) -> Signal | None:
        """Execute the statements, up to the one that signals."""
        if self._pos < self._end:
            return self._run_first(frame)
        frame.chain.budget.left -= self._steps
        for statement in self._statements or ():
            signal = statement(frame)
            if signal.__class__ is Signal:
                return signal
        return None

    def run_once(self, frame: Frame) -> Signal | None:
        """Execute statements of a table itself, which are not met again: nothing is kept."""
        decoder = Decoder(self._code, self._pos, self._end)
        stream = decoder.stream
        while stream.pos < stream.end:
            frame.chain.budget.spend(1)
            signal = decoder.statement(frame.scope)(frame)
            if signal.__class__ is Signal:
                return signal
        return None

    def look_ahead(self) -> None:
        """Decode a chain of Ifs at the beginning already, when a table is loaded.

        It may be long, and at its first execution somebody waits for what comes of it.
        """
        if self._pos >= self._end or self._code.data[self._pos] != _IF:
            return
        decoder = Decoder(self._code, self._pos, self._end)
        chain = decoder.chain()
        if chain is not None:
            self._statements, self._pos = [chain], decoder.stream.pos

    def _run_first(self, frame: Frame) -> Signal | None:
        if self._statements is None:
            self._statements = []
        statements, at = self._statements, 0
        decoder = Decoder(self._code, self._pos, self._end)
        while at < len(statements) or self._decode_next(decoder, frame, statements):
            signal = statements[at](frame)
            if signal.__class__ is Signal:
                return signal
            at += 1
        return None

    def _decode_next(self, decoder: Decoder, frame: Frame, statements: list[Run]) -> bool:
        if self._pos >= self._end:
            return False
        frame.chain.keep()
        decoder.stream.pos = self._pos  # a recursive call may have gone further
        statements.append(decoder.statement(frame.scope))
        self._pos = decoder.stream.pos
        self._steps += 1 + decoder.operators
        return True


class Decoder:
    """Reads terms from a stream and builds their closures."""

    __slots__ = ("code", "context", "nesting", "operators", "scope", "stream")

    def __init__(self, code: Code, pos: int, end: int) -> None:
        self.code = code
        self.context = code.context
        self.stream = Stream(code.data, pos, end)
        self.scope: Node = code.context.namespace.root
        self.nesting = 0
        self.operators = 0

    def statement(self, scope: Node) -> Run:
        """Decode a TermObj; the stream stays where it was if that fails.

        Then ``operators`` says how many there are in it, its blocks left out.
        """
        stream = self.stream
        start, end = stream.pos, stream.end
        self.operators = 0
        chain = self.chain() if stream.peek() == _IF else None
        if chain is not None:
            return chain
        self.scope, self.nesting = scope, 0
        try:
            return self._term(statement=True).run
        except AmlError:
            stream.pos, stream.end = start, end
            raise

    def chain(self) -> Run | None:
        """Decode a chain of Ifs, if there is one; it names nothing, so that no scope is needed."""
        found = if_chain(self.stream, self.context.mask)
        return None if found is None else self.code.builders["IfChain"](self.code, found)

    def term(self) -> Term:
        """Decode a TermArg."""
        return self._term(statement=False)

    def _term(self, *, statement: bool) -> Term:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise LimitExceededError(f"terms are nested more than {MAX_NESTING} deep")
        lead = self.stream.peek()
        special = _LEADS.get(lead)
        found = special(self, lead) if special else self._operator(lead, statement)
        self.nesting -= 1
        return found

    def integer(self) -> Run:
        """Decode a TermArg that is converted to Integer."""
        lead = self.stream.peek()
        if lead in _LOCALS:
            self.stream.pos += 1
            return access.local_integer(self.context, lead - _LOCALS.start)
        if lead in _ARGS:
            self.stream.pos += 1
            return access.arg_integer(self.context, lead - _ARGS.start)
        return access.integer(self.context, self.term())

    # --- Terms --------------------------------------------------------------------------

    def lead_constant(self, _lead: int) -> Term:
        """Zero, One, Ones."""
        value = self.stream.byte()
        return access.constant(self.context.mask) if value == _ONES else access.SMALL[value]

    def lead_number(self, lead: int) -> Term:
        """ByteConst to QWordConst."""
        self.stream.pos += 1
        if lead == _BYTE:
            return access.SMALL[self.stream.byte()]
        value = self.stream.number(_CONSTANT_SIZES[lead])
        return access.constant(value & self.context.mask)

    def lead_string(self, _lead: int) -> Term:
        """String."""
        self.stream.pos += 1
        return access.constant(self.stream.string())

    def lead_local(self, lead: int) -> Term:
        """LocalObj."""
        self.stream.pos += 1
        return Term(access.local(lead - _LOCALS.start).read)

    def lead_arg(self, lead: int) -> Term:
        """ArgObj."""
        self.stream.pos += 1
        return Term(access.arg(lead - _ARGS.start).read)

    def lead_name(self, _lead: int) -> Term:
        """A NameString: the data that it holds, or a MethodInvocation."""
        path, node = self._lookup()
        if isinstance(node.content, Method | NativeMethod):
            return Term(self._call(path, node.content))
        return Term(access.name(self.context, path).read)

    def _lookup(self) -> tuple[NamePath, Node]:
        path = self.stream.name_string()
        return path, self.context.namespace.lookup(self.scope, path)

    def _call(self, path: NamePath, method: Method | NativeMethod) -> Run:
        args = [self.term().run for _ in range(method.arg_count)]
        return access.call(self.context, path, args)

    def _operator(self, lead: int, statement: bool) -> Term:  # noqa: FBT001
        at, code = self.stream.pos, lead
        self.stream.byte()
        if lead == _EXT:
            code = EXT_PREFIX | self.stream.byte()
        form = _FORMS.get(code)
        if form is None or (form.statement and not statement):
            if code == _REVISION:
                return access.SMALL[2]
            kind = "no opcode" if form is None else f"{form.name}, which has no value"
            raise BadEncodingError(f"{code:#04x} at {at:#x} is {kind}")
        outside = self.operators
        if form.packaged:
            operands = self._package(form.program)
        else:
            operands = [decode(self) for decode in form.program]
        if code == _IF:
            operands.append(self._else())
        elif code == _WHILE:
            operands.append(1 + self.operators - outside)
        self.operators += 1
        return Term(self.code.builders[form.name](self.context, *operands), form.integral)

    def _package(self, program: Program) -> list[Any]:
        """The operands inside the package that comes next; what is left of it is skipped."""
        stream, outer_end = self.stream, self.stream.end
        end = stream.end = stream.pkg_end()
        operands = [decode(self) for decode in program]
        stream.pos, stream.end = end, outer_end
        return operands

    def _else(self) -> Block | None:
        """The Else behind an If; all Elses are optional."""
        stream = self.stream
        if stream.peek() != _ELSE:
            return None
        stream.pos += 1
        end, outer_end = stream.pkg_end(), stream.end
        stream.end = end
        block = self.block()
        stream.end = outer_end
        return block

    # --- Operands -----------------------------------------------------------------------

    def data(self) -> Run:
        """A TermArg of any type."""
        return self.term().run

    def source(self) -> Source:
        """A TermArg to index into; a string can be changed only in its place."""
        lead = self.stream.peek()
        if lead not in _LOCALS and lead not in _ARGS and lead not in NAME_STARTS:
            return Source(self.term().run, None)
        if lead in NAME_STARTS:
            path, node = self._lookup()
            if isinstance(node.content, Method | NativeMethod):
                return Source(self._call(path, node.content), None)
            place = access.name(self.context, path)
        else:
            place = self.object()
        return Source(place.read, place)

    def target(self) -> Writer | None:
        """A Target that converts, or None for NullName."""
        place = self._optional_place()
        return place.write if place else None

    def exact(self) -> Writer | None:
        """A Target that takes the type of the value, or None for NullName."""
        place = self._optional_place()
        return place.copy_in if place else None

    def _optional_place(self) -> Place | None:
        if self.stream.peek() != 0:
            return self.object()
        self.stream.pos += 1
        return None

    def place(self) -> Place:
        """A SuperName; the name of a method is a call of it."""
        if self.stream.peek() in NAME_STARTS:
            path, node = self._lookup()
            if isinstance(node.content, Method | NativeMethod):
                return _value_place(self._call(path, node.content))
            return access.name(self.context, path)
        return self.object()

    def object(self) -> Place:
        """A SuperName; the name of a method means the method."""
        lead = self.stream.peek()
        if lead in NAME_STARTS:
            return access.name(self.context, self._lookup()[0])
        if lead in _LOCALS or lead in _ARGS:
            self.stream.pos += 1
            return access.local(lead & 7) if lead in _LOCALS else access.arg(lead - _ARGS.start)
        return self._operator_place(lead)

    def _operator_place(self, lead: int) -> Place:
        if lead == _INDEX:
            return access.computed(self.term().run)
        at = self.stream.pos
        self.stream.byte()
        if lead == _REF_OF:
            return self.object()
        if lead == _DEREF_OF:
            return self._deref_place()
        if lead == _EXT and EXT_PREFIX | self.stream.byte() == _DEBUG:
            return access.debug(self.context)
        raise BadEncodingError(f"{lead:#04x} at {at:#x} is no SuperName")

    def _deref_place(self) -> Place:
        run, space = self.term().run, self.context.namespace

        def refer(frame: Frame) -> Reference:
            return access.dereferenced(run(frame), space, frame.scope)

        return access.through(refer)

    def maybe(self) -> Callable[[Frame], Reference | None]:
        """A SuperName that need not exist."""
        if self.stream.peek() not in NAME_STARTS:
            return self.object().refer
        path, space = self.stream.name_string(), self.context.namespace
        return lambda frame: space.find(frame.scope, path)

    def block(self) -> Block:
        """The TermList that fills the package."""
        stream = self.stream
        block = Block(self.code, stream.pos, stream.end)
        stream.pos = stream.end
        return block

    def elements(self) -> list[Term | NamePath]:
        """A PackageElementList: data, and names, which are references and never calls."""
        found: list[Term | NamePath] = []
        stream = self.stream
        while stream.pos < stream.end:
            named = stream.peek() in NAME_STARTS
            found.append(stream.name_string() if named else self.term())
            check_elements(len(found))
        return found


def _value_place(run: Run) -> Place:
    """The place of a method's result: what it refers to, or the value itself."""

    def refer(frame: Frame) -> Reference:
        value: Value = run(frame)
        return value if isinstance(value, Reference) else Temporary(value)

    return access.through(refer)


_LEADS: Final[dict[int, Callable[[Decoder, int], Term]]] = {
    **dict.fromkeys((0x00, 0x01, 0xFF), Decoder.lead_constant),
    **dict.fromkeys(_CONSTANT_SIZES, Decoder.lead_number),
    _STRING: Decoder.lead_string,
    **dict.fromkeys(_LOCALS, Decoder.lead_local),
    **dict.fromkeys(_ARGS, Decoder.lead_arg),
    **dict.fromkeys(NAME_STARTS, Decoder.lead_name),
}

_OPERANDS: Final[dict[Operand, Callable[[Decoder], Any]]] = {
    Operand.INTEGER: Decoder.integer,
    Operand.DATA: Decoder.data,
    Operand.COMPARAND: Decoder.term,
    Operand.SOURCE: Decoder.source,
    Operand.TARGET: Decoder.target,
    Operand.EXACT: Decoder.exact,
    Operand.PLACE: Decoder.place,
    Operand.OBJECT: Decoder.object,
    Operand.MAYBE: Decoder.maybe,
    Operand.NAME: lambda decoder: decoder.stream.name_string(),
    Operand.BYTE: lambda decoder: decoder.stream.byte(),
    Operand.WORD: lambda decoder: decoder.stream.number(2),
    Operand.DWORD: lambda decoder: decoder.stream.number(4),
    Operand.BLOCK: Decoder.block,
    Operand.BYTES: lambda decoder: decoder.stream.rest(),
    Operand.ELEMENTS: Decoder.elements,
    Operand.FIELDS: field_list,
}


class _Form(NamedTuple):
    """How an operator is decoded: as `Opcode`, with the functions that decode its operands."""

    name: str
    integral: bool
    statement: bool
    packaged: bool
    program: Program


def _form(opcode: Opcode) -> _Form:
    packaged = opcode.operands[:1] == (Operand.PACKAGE,)
    program = tuple(_OPERANDS[kind] for kind in opcode.operands[packaged:])
    return _Form(opcode.name, opcode.integral, opcode.statement, packaged, program)


_FORMS: Final[dict[int, _Form]] = {code: _form(opcode) for code, opcode in OPCODES.items()}
