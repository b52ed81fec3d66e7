"""What executing AML has at hand: the interpreter's state, a chain of calls, a call's frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from machine.guest.aml.budget import MAX_STATEMENTS, Budget
from machine.guest.aml.errors import LimitExceededError, MutexError, OperandTypeError
from machine.guest.aml.objects import Method, Mutex, NativeMethod

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine.guest.aml.host import Host, Watcher
    from machine.guest.aml.namespace import Link, Namespace, Node
    from machine.guest.aml.values import Value

    Loader = Callable[[bytes, Node, "Chain"], None]

MAX_DEPTH: Final = 255
FOREVER: Final = 0xFFFF
NS_PER_MS: Final = 1_000_000
_DECODING: Final = 4  # steps of a statement that is executed for the first time


class Context:
    """The state of one interpreter; ``size`` is that of an Integer in bytes.

    ``load`` executes a table in a scope, as part of a chain of calls. ``watcher``, if there is one,
    is told of each call of a method.
    """

    def __init__(self, host: Host, namespace: Namespace, budget: Budget, load: Loader) -> None:
        self.host = host
        self.namespace = namespace
        self.budget = budget
        self.load = load
        self.watcher: Watcher | None = None
        self.statements = 0
        self.size = 8
        self.mask = 0xFFFF_FFFF_FFFF_FFFF

    def set_integer_size(self, size: int) -> None:
        """Make integers 4 or 8 bytes wide."""
        self.size = size
        self.mask = (1 << 8 * size) - 1
        self.namespace.size = size


class Chain:
    """A chain of method calls, begun by the host: what ACPI calls a thread of execution."""

    __slots__ = ("budget", "context", "depth", "held", "sync_level")

    def __init__(self, context: Context) -> None:
        self.context = context
        self.depth = 0
        self.budget = context.budget
        self.sync_level = 0
        self.held: list[Mutex] = []

    def keep(self) -> None:
        """Count a statement that is kept decoded.

        Raises:
            LimitExceededError: no honest firmware has so many.
        """
        self.budget.spend(_DECODING)
        self.context.statements += 1
        if self.context.statements > MAX_STATEMENTS:
            raise LimitExceededError(f"more than {MAX_STATEMENTS} statements")

    def acquire(self, mutex: Mutex, timeout: int) -> bool:
        """Take a mutex; False if another chain holds it for longer than ``timeout`` ms.

        Raises:
            MutexError: its sync level is below that of a mutex held (ACPI 6.5 §19.6.2), or it
                would never be released.
        """
        if mutex.sync_level < self.sync_level:
            raise MutexError(f"sync level {mutex.sync_level} comes after {self.sync_level}")
        if mutex.owner is not None and mutex.owner is not self:
            return self._wait(timeout)
        if mutex.owner is None:
            mutex.owner = self
            mutex.restore_level = self.sync_level
            self.sync_level = mutex.sync_level
            self.held.append(mutex)
        mutex.depth += 1
        return True

    def _wait(self, timeout: int) -> bool:
        if timeout >= FOREVER:
            raise MutexError("a mutex is held by a chain of calls that cannot go on")
        self.context.host.stall(timeout * NS_PER_MS)
        return False

    def release(self, mutex: Mutex) -> None:
        """Give a mutex back.

        Raises:
            MutexError: it is not held by this chain, or not the one taken last.
        """
        if mutex.owner is not self:
            raise MutexError("a mutex is released that is not held")
        if mutex.sync_level != self.sync_level:
            raise MutexError(f"sync level {mutex.sync_level} is released at {self.sync_level}")
        mutex.depth -= 1
        if not mutex.depth:
            self._free(mutex)
            self.sync_level = mutex.restore_level

    def _free(self, mutex: Mutex) -> None:
        mutex.owner = None
        mutex.depth = 0
        self.held.remove(mutex)

    def leave(self, guard: Mutex) -> None:
        """The end of a serialized method: its guard goes, in whatever order."""
        guard.depth -= 1
        if not guard.depth:
            self._free(guard)
            self.sync_level = guard.restore_level

    def close(self) -> None:
        """The end of the chain: nothing stays locked."""
        for mutex in list(self.held):
            self._free(mutex)

    def nested(self, action: Callable[[], None]) -> None:
        """Act one level deeper, as a call does.

        Raises:
            LimitExceededError: it is too deep.
        """
        if self.depth >= MAX_DEPTH:
            raise LimitExceededError(f"tables load tables at a depth of {MAX_DEPTH}")
        self.budget.spend(1)
        self.depth += 1
        try:
            action()
        finally:
            self.depth -= 1

    def invoke(self, node: Node, args: list[Value]) -> Value:
        """Call a method; ``args`` has seven elements."""
        method = node.content
        if isinstance(method, NativeMethod):
            return method.function(args)
        if not isinstance(method, Method):
            raise OperandTypeError(f"{node.path} has ceased to be a method")
        if self.depth >= MAX_DEPTH:
            raise LimitExceededError(f"{node.path} is called at a depth of {MAX_DEPTH}")
        self.budget.spend(1)
        guard = method.guard
        if guard is not None:
            self.acquire(guard, FOREVER)
        self.depth += 1
        frame = Frame(self, node, args)
        watcher = self.context.watcher
        if watcher is not None:
            watcher.entered(node.path)
        try:
            method.body.run(frame)
            return frame.result
        finally:
            self.depth -= 1
            if watcher is not None:
                watcher.left(node.path)
            for created in frame.created:
                if created.alive:
                    created.remove()
            if guard is not None:
                self.leave(guard)


class Frame:
    """A call: its locals and arguments, the scope it is in, the names that end with it.

    ``lasting`` tells whether they do not: a table is executed only once, and its names stay.
    """

    __slots__ = ("args", "chain", "created", "locals", "result", "scope")
    lasting: ClassVar[bool] = False

    def __init__(self, chain: Chain, scope: Node, args: list[Value]) -> None:
        self.chain = chain
        self.scope = scope
        self.args = args
        self.locals: list[Value] = [None] * 8
        self.created: list[Node | Link] = []
        self.result: Value = None
