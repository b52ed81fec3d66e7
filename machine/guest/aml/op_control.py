"""Statements of control flow, and Store (ACPI 6.5 §20.2.5.3, §20.2.5.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from machine.guest.aml.decode import Block, Signal
from machine.guest.aml.errors import FatalError, OperandTypeError
from machine.guest.aml.values import cost

if TYPE_CHECKING:
    from machine.guest.aml.access import Builders, Run, Writer
    from machine.guest.aml.context import Context, Frame
    from machine.guest.aml.values import Value


def _if(_context: Context, predicate: Run, then: Block, otherwise: Block | None) -> Run:
    then_run = then.run
    if otherwise is None:
        return lambda frame: then_run(frame) if predicate(frame) else None
    else_run = otherwise.run
    return lambda frame: then_run(frame) if predicate(frame) else else_run(frame)


def _while(_context: Context, predicate: Run, body: Block, steps: int) -> Run:
    """``steps`` is what the predicate costs."""
    body_run = body.run

    def run(frame: Frame) -> Signal | None:
        spend = frame.chain.budget.spend
        while predicate(frame):
            spend(steps)
            signal = body_run(frame)
            if signal is Signal.BREAK:
                break
            if signal is Signal.RETURN:
                return signal
        return None

    return run


def _return(_context: Context, value: Run) -> Run:
    def run(frame: Frame) -> Signal:
        frame.result = value(frame)
        return Signal.RETURN

    return run


def _break(_context: Context) -> Run:
    return lambda _frame: Signal.BREAK


def _continue(_context: Context) -> Run:
    return lambda _frame: Signal.CONTINUE


def _nothing(_context: Context, *_operands: object) -> Run:
    return lambda _frame: None


def _store(_context: Context, source: Run, target: Writer | None) -> Run:
    if target is None:
        return source

    def run(frame: Frame) -> Value:
        value = source(frame)
        if value is None:
            raise OperandTypeError("there is no value to store")
        if value.__class__ is not int:
            frame.chain.budget.spend(cost(value))
        target(frame, value)
        return value  # type: ignore[no-any-return]

    return run


def _fatal(_context: Context, kind: int, code: int, argument: Run) -> Run:
    def run(frame: Frame) -> None:
        raise FatalError(kind, code, argument(frame))

    return run


BUILDERS: Final[Builders] = {
    "If": _if,
    "While": _while,
    "Return": _return,
    "Break": _break,
    "Continue": _continue,
    "Noop": _nothing,
    "BreakPoint": _nothing,
    "External": _nothing,
    "Store": _store,
    "CopyObject": _store,
    "Fatal": _fatal,
}
