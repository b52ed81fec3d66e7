r"""The AML interpreter: loads tables, evaluates objects, lists devices (ACPI 6.5 §5.3 to §5.5)."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

from machine.guest.aml import (
    names,
    op_arithmetic,
    op_control,
    op_data,
    op_if_chain,
    op_named,
    op_sync,
    op_table,
    tables,
)
from machine.guest.aml.budget import STEPS, Budget
from machine.guest.aml.context import Chain, Context
from machine.guest.aml.decode import Code
from machine.guest.aml.errors import AmlError, LimitExceededError, OperandTypeError
from machine.guest.aml.namespace import NamedObject, Namespace, Node
from machine.guest.aml.objects import Device, Method, Mutex, NativeMethod, PredefinedDevice
from machine.guest.aml.values import Package, Value, copy_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from machine.guest.aml.access import Builders
    from machine.guest.aml.host import Host, Watcher

T = TypeVar("T")

_RECURSION: Final = 40_000  # Python frames: 255 calls of AML, with 50 blocks nested in each
_BUILDERS: Final[Builders] = {
    **op_control.BUILDERS,
    **op_if_chain.BUILDERS,
    **op_arithmetic.BUILDERS,
    **op_data.BUILDERS,
    **op_named.BUILDERS,
    **op_sync.BUILDERS,
    **op_table.BUILDERS,
}
_INTERFACES: Final = frozenset(
    {
        "Module Device",
        "Processor Device",
        "3.0 Thermal Model",
        "3.0 _SCP Extensions",
        "Processor Aggregator Device",
        "Extended Address Space Descriptor",
    }
    | {f"Windows {version}" for version in ("2000", "2001", "2006", "2009", "2012", "2013")}
    | {"Windows 2015", "Windows 2016", "Windows 2018", "Windows 2019", "Windows 2020"}
)
"""What ``_OSI`` answers with true (ACPI 6.5 §5.7.2)."""


class Interpreter:
    """Executes AML on behalf of a host, its only way to the world.

    ``budget`` bounds how many steps one evaluation may take.
    """

    def __init__(self, host: Host, *, budget: int = STEPS) -> None:
        self.namespace = Namespace()
        self._context = Context(host, self.namespace, Budget(budget), self._load)
        self._loaded = False
        for name, content in self._predefined().items():
            self.namespace.create(self.namespace.root, names.parse(name), content)

    def _predefined(self) -> dict[str, Value | NamedObject]:
        """Names that are there before any table (ACPI 6.5 §5.3.1, §5.7)."""
        return {
            **{name: NamedObject() for name in ("_GPE", "_PR", "_SI")},
            **{name: PredefinedDevice() for name in ("_SB", "_TZ")},
            "_GL": Mutex(0),
            "_OS": "Microsoft Windows NT",
            "_OSI": NativeMethod(1, self._osi),
            "_REV": 2,
        }

    def _osi(self, args: list[Value]) -> Value:
        name = args[0]
        return self._context.mask if isinstance(name, str) and name in _INTERFACES else 0

    # --- Tables -------------------------------------------------------------------------

    def load_table(self, table: bytes) -> None:
        """Load a DSDT or SSDT, given with its header; what fails leaves no names behind.

        Raises:
            BadTableError: signature, length or checksum are wrong.
            AmlError: executing the table failed.
        """
        data = tables.checked(table)
        if not self._loaded:
            self._context.set_integer_size(8 if data[8] >= 2 else 4)
            self._loaded = True
        self._guarded(partial(self._load, data, self.namespace.root))

    def _load(self, table: bytes, scope: Node, chain: Chain) -> None:
        """Load a table, by whomever it is asked for."""
        code = Code(self._context, _BUILDERS, tables.checked(table))
        chain.nested(partial(tables.execute, code, scope, chain))

    def watch(self, watcher: Watcher | None) -> None:
        """Have somebody told of the methods that are called from now on; None for nobody."""
        self._context.watcher = watcher

    def _guarded(self, action: Callable[[Chain], T]) -> T:
        """Act in a chain of calls: with room for its depth, and an end to all that it locks."""
        chain, budget = Chain(self._context), self._context.budget
        left, budget.left = budget.left, budget.limit  # within a notification, another one's
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(max(limit, _RECURSION))
        try:
            return action(chain)
        except (RecursionError, MemoryError):
            _give_up()
        finally:
            chain.close()
            budget.left = left
            sys.setrecursionlimit(limit)

    # --- Objects ------------------------------------------------------------------------

    def evaluate(self, path: str, *args: Value) -> Value:
        """Call a method, or read an object; the result is the caller's own copy.

        Raises:
            NotFoundError: there is no such object.
            OperandTypeError: it has no value, or takes another number of arguments.
            AmlError: executing it failed.
        """
        node = self._node(path)
        if isinstance(node.content, int | str):  # needs no chain of calls, nor a copy
            return node.content
        return self._guarded(partial(_evaluate, node, args))

    def exists(self, path: str) -> bool:
        """Whether there is an object of this name."""
        try:
            return self.namespace.find(self.namespace.root, names.parse(path)) is not None
        except AmlError:
            return False

    def devices(self) -> Iterator[str]:
        """The absolute paths of all Device objects, in the order of definition."""
        for node in self.namespace.walk():
            if isinstance(node.content, Device):
                yield node.path

    def initializers(self) -> list[str]:
        """The absolute paths of all _INI objects, those of parents first."""
        return [node.path for node in self.namespace.initializers()]

    def children(self, path: str) -> Iterator[str]:
        """The absolute paths of the objects right below one, in the order of definition."""
        for child in list(self._node(path).children.values()):
            yield child.path

    def _node(self, path: str) -> Node:
        return self.namespace.lookup(self.namespace.root, names.parse(path))


def _evaluate(node: Node, args: tuple[Value, ...], chain: Chain) -> Value:
    if isinstance(node.content, Method | NativeMethod):
        return copy_value(chain.invoke(node, _arguments(node, node.content, args)))
    value = node.read()
    if value is node:
        raise OperandTypeError(f"{node.path} has no value")
    return copy_value(value)


def _give_up() -> NoReturn:
    raise LimitExceededError("terms or calls are nested too deep, or objects too large") from None


def _arguments(node: Node, method: Method | NativeMethod, args: tuple[Value, ...]) -> list[Value]:
    if len(args) != method.arg_count:
        raise OperandTypeError(f"{node.path} takes {method.arg_count} arguments, not {len(args)}")
    taken = [_taken(arg, 8 * node.space.size) for arg in args]
    return taken + [None] * (7 - len(args))


def _taken(value: Value, bits: int) -> Value:
    """A copy of what the host gives, with integers as wide as those of the tables."""
    if isinstance(value, int):
        return value & (1 << bits) - 1
    if isinstance(value, Package):
        return Package([_taken(element, bits) for element in value])
    return copy_value(value)
