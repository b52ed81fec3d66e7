"""Closures that read and write the places of AML: constants, locals, arguments, names.

Executing AML is calling closures, each made once per place in the byte stream. These here are
called most often, so they take the short way for integers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from machine.guest.aml import convert, names
from machine.guest.aml.context import Frame
from machine.guest.aml.errors import OperandTypeError, UninitializedError
from machine.guest.aml.namespace import Namespace, Node
from machine.guest.aml.objects import DebugObject
from machine.guest.aml.values import (
    ArgSlot,
    Reference,
    RefOf,
    Slot,
    Value,
    copy_value,
    type_name,
)

if TYPE_CHECKING:
    from machine.guest.aml.context import Context
    from machine.guest.aml.names import NamePath

Run = Callable[[Frame], Any]
"""Executes a term; yields its value, or for a statement None or a Signal."""
Writer = Callable[[Frame, Value], None]
Builders = Mapping[str, Callable[..., Run]]
"""How the operands of an operator become a closure, by the operator's name."""


class Term(NamedTuple):
    """A decoded TermArg, and whether its value is certain to be an Integer, or even which."""

    run: Run
    integral: bool = False
    constant: int | None = None


class Place(NamedTuple):
    """A decoded SuperName: the reference to it, and short ways to read and write it."""

    refer: Callable[[Frame], Reference]
    read: Run
    write: Writer
    copy_in: Writer


def constant(value: Value) -> Term:
    """A constant; ``value`` must be immutable."""
    number = value if isinstance(value, int) else None
    return Term(lambda _frame: value, isinstance(value, int), number)


SMALL: Final = tuple(constant(value) for value in range(256))


def integer(context: Context, term: Term) -> Run:
    """The value of a term, converted to Integer."""
    if term.integral:
        return term.run
    run, size = term.run, context.size

    def convert_it(frame: Frame) -> int:
        value = run(frame)
        return value if value.__class__ is int else convert.to_integer(value, size)

    return convert_it


def _uninitialized(label: str, index: int) -> UninitializedError:
    return UninitializedError(f"{label}{index} is read before it is stored to")


def local(index: int) -> Place:
    """Local0 to Local7."""

    def read(frame: Frame) -> Value:
        value = frame.locals[index]
        if value is None:
            raise _uninitialized("Local", index)
        return value

    def write(frame: Frame, value: Value) -> None:
        frame.locals[index] = value if value.__class__ is int else copy_value(value)

    return Place(lambda frame: Slot(frame.locals, index, "Local"), read, write, write)


def local_integer(context: Context, index: int) -> Run:
    """Local0 to Local7, converted to Integer."""
    slow = integer(context, Term(local(index).read))

    def read(frame: Frame) -> int:
        value = frame.locals[index]
        return value if value.__class__ is int else slow(frame)

    return read


def arg(index: int) -> Place:
    """Arg0 to Arg6; a Store goes through a reference that RefOf has made."""

    def read(frame: Frame) -> Value:
        value = frame.args[index]
        if value is None:
            raise _uninitialized("Arg", index)
        return value

    def write(frame: Frame, value: Value) -> None:
        held = frame.args[index]
        if held.__class__ is RefOf:
            held.copy_in(value)
        else:
            frame.args[index] = copy_value(value)

    return Place(lambda frame: ArgSlot(frame.args, index, "Arg"), read, write, write)


def arg_integer(context: Context, index: int) -> Run:
    """Arg0 to Arg6, converted to Integer."""
    slow = integer(context, Term(arg(index).read))

    def read(frame: Frame) -> int:
        value = frame.args[index]
        return value if value.__class__ is int else slow(frame)

    return read


def resolver(context: Context, path: NamePath) -> Callable[[Frame], Node]:
    """The node of a name, looked up anew only after a name has come or gone anywhere."""
    space = context.namespace
    generation, scope, node = -1, space.root, space.root

    def resolve(frame: Frame) -> Node:
        nonlocal generation, scope, node
        if generation != space.generation or scope is not frame.scope:
            node = space.lookup(frame.scope, path)
            generation, scope = space.generation, frame.scope
        return node

    return resolve


def name(context: Context, path: NamePath) -> Place:
    """A named object, read as the data that it holds."""
    resolve = resolver(context, path)

    def read(frame: Frame) -> Value:
        node = resolve(frame)
        content = node.content
        return content if content.__class__ is int else node.read()

    def write(frame: Frame, value: Value) -> None:
        resolve(frame).write(value)

    def copy_in(frame: Frame, value: Value) -> None:
        resolve(frame).copy_in(value)

    return Place(resolve, read, write, copy_in)


def computed(run: Run) -> Place:
    """The place that an operator yields: Index, or a method that returns a reference."""

    def refer(frame: Frame) -> Reference:
        value = run(frame)
        if not isinstance(value, Reference):
            raise OperandTypeError("this operator yields no reference")
        return value

    return through(refer)


def through(refer: Callable[[Frame], Reference]) -> Place:
    """A place that is only known at run time."""

    def write(frame: Frame, value: Value) -> None:
        refer(frame).write(value)

    def copy_in(frame: Frame, value: Value) -> None:
        refer(frame).copy_in(value)

    return Place(refer, lambda frame: refer(frame).read(), write, copy_in)


def debug(context: Context) -> Place:
    """The Debug object: what is stored there is shown."""
    node = Node(context.namespace, None, "Debug", DebugObject())

    def read(_frame: Frame) -> Value:
        raise OperandTypeError("Debug has no value")

    def write(_frame: Frame, value: Value) -> None:
        context.host.debug(convert.describe(value))

    return Place(lambda _frame: node, read, write, write)


_BLANKS: Final = tuple((None,) * (7 - given) for given in range(8))
"""The arguments that a call leaves out, by the number of those that it gives."""


def call(context: Context, path: NamePath, args: list[Run]) -> Run:
    """A MethodInvocation."""
    resolve = resolver(context, path)
    blank = _BLANKS[len(args)]

    def invoke(frame: Frame) -> Value:
        return frame.chain.invoke(resolve(frame), [*[run(frame) for run in args], *blank])

    return invoke


def follow(reference: Value) -> Value:
    """What a chain of references leads to: a named object, or a value."""
    for _ in range(8):
        if isinstance(reference, Node) or not isinstance(reference, Reference):
            break
        reference = reference.target if isinstance(reference, RefOf) else reference.read()
    return reference


def named(reference: Value) -> Node:
    """The named object that a reference leads to.

    Raises:
        OperandTypeError: it leads to none.
    """
    found = follow(reference)
    if not isinstance(found, Node):
        raise OperandTypeError("this operator needs a named object")
    return found


def dereferenced(value: Value, space: Namespace, scope: Node) -> Reference:
    """The place that DerefOf leads to: a reference's own, or that of the name in a string."""
    if isinstance(value, str):
        return space.lookup(scope, names.parse(value))
    if isinstance(value, RefOf):
        return value.target
    if isinstance(value, Reference):
        return value
    raise OperandTypeError(f"DerefOf needs a reference, not a {type_name(value)}")


def reference(target: Reference) -> Reference:
    """What RefOf yields: a reference to a reference is that reference."""
    return target if isinstance(target, RefOf) else RefOf(target)
