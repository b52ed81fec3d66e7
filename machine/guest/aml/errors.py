"""What can go wrong in AML: one class per cause, all of them ``AmlError``.

A guest must survive any firmware, so nothing else leaves the interpreter, but for what the
host itself raises.
"""

from __future__ import annotations


class AmlError(Exception):
    """The AML, or the use that was made of it, is at fault."""


class BadTableError(AmlError):
    """The header, length or checksum of a table is wrong (ACPI 6.5 §5.2.6)."""


class BadEncodingError(AmlError):
    """The bytes are no AML: an unknown opcode, a term that ends too early, a bad name."""


class NotFoundError(AmlError):
    """No object has this name."""


class AlreadyExistsError(AmlError):
    """An object of this name exists already."""


class OperandTypeError(AmlError):
    """An operand has a type that the operator cannot use, nor convert."""


class UninitializedError(AmlError):
    """A Local, Arg or package element is read before anything was stored there."""


class OutOfBoundsError(AmlError):
    """An access beyond the end of a buffer, string, package or region."""


class DivideByZeroError(AmlError):
    """Divide or Mod by zero."""


class MutexError(AmlError):
    """A mutex is taken or released out of order, or can never be had."""


class NoHandlerError(AmlError):
    """An operation region lies in an address space that this host does not have."""


class UnsupportedError(AmlError):
    """Valid AML that this interpreter does not execute, such as Load."""


class LimitExceededError(AmlError):
    """A loop, a recursion or an object is larger than any honest firmware needs."""


class FatalError(AmlError):
    """The firmware executed Fatal (ACPI 6.5 §19.6.47)."""

    def __init__(self, kind: int, code: int, argument: int) -> None:
        super().__init__(f"Fatal: type {kind:#x}, code {code:#x}, argument {argument:#x}")
        self.kind = kind
        self.code = code
        self.argument = argument
