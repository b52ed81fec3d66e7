"""The ACPI namespace: a tree of named objects, and the rules of search (ACPI 6.5 §5.3)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

from machine.guest.aml import convert
from machine.guest.aml.budget import MAX_LEVELS, MAX_NODES
from machine.guest.aml.errors import (
    AlreadyExistsError,
    LimitExceededError,
    NotFoundError,
    OperandTypeError,
)
from machine.guest.aml.names import NamePath, trim
from machine.guest.aml.values import (
    ObjectType,
    Package,
    Reference,
    Value,
    copy_value,
    object_type,
    type_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


_CHILDLESS: Final[Mapping[str, Node]] = MappingProxyType({})


class NamedObject:
    """What a name stands for, if that is not data: a device, a method, a field..."""

    __slots__ = ()
    kind: ClassVar[ObjectType] = ObjectType.Uninitialized


class Accessible(NamedObject):
    """A named object that reads and writes as data: every kind of field."""

    __slots__ = ()

    def read(self) -> Value:
        """The value of the field."""
        raise NotImplementedError

    def write(self, value: Value) -> None:
        """Write the field; the value is cut or zero-extended to its width."""
        raise NotImplementedError


class Node(Reference):
    """A named object; as a value it is a reference to that object."""

    __slots__ = ("alive", "children", "content", "level", "name", "order", "parent", "space")

    def __init__(
        self, space: Namespace, parent: Node | None, name: str, content: Value | NamedObject
    ) -> None:
        self.space = space
        self.parent = parent
        self.name = name
        self.content = content
        self.children: Mapping[str, Node] = _CHILDLESS
        self.level: int = 0 if parent is None else parent.level + 1
        self.order = 0
        self.alive = True

    @property
    def path(self) -> str:
        r"""The absolute path, such as ``\_SB.CPUS.C002``."""
        segs = []
        at: Node = self
        while at.parent is not None:
            segs.append(trim(at.name))
            at = at.parent
        return "\\" + ".".join(reversed(segs))

    def __str__(self) -> str:
        return self.path

    def adopt(self, seg: str, child: Node) -> None:
        """Have a name below this one; most never have any, and so need no room for it."""
        if not isinstance(self.children, dict):
            self.children = {}
        self.children[seg] = child

    def remove(self) -> None:
        """Take this name, and all below it, out of the tree."""
        self.space.remove(self)

    def disown(self, seg: str) -> None:
        """Forget a name below this one."""
        if isinstance(self.children, dict):
            self.children.pop(seg, None)

    def read(self) -> Value:
        """The data that the name stands for, or the node itself if that is no data."""
        content = self.content
        if isinstance(content, Accessible):
            return content.read()
        return self if isinstance(content, NamedObject) else content

    def write(self, value: Value) -> None:
        """Store with conversion to the type that is there (§19.3.5.7)."""
        content = self.content
        if isinstance(content, Accessible):
            content.write(value)
        elif isinstance(content, NamedObject):
            raise OperandTypeError(
                f"{self.path} is a {content.kind.name}, nothing can be stored there"
            )
        elif isinstance(content, bytearray):
            _fill(content, convert.to_buffer(value, self.space.size))
        else:
            self.content = self._converted(content, value)

    def _converted(self, content: Value, value: Value) -> Value:
        if isinstance(content, int | str):
            return convert.like(content, value, self.space.size)
        if isinstance(content, Package) and not isinstance(value, Package):
            raise OperandTypeError(f"{self.path} is a Package, no {type_name(value)} goes there")
        return copy_value(value)

    def copy_in(self, value: Value) -> None:
        """Store without conversion: the name takes the type of the value."""
        content = self.content
        if isinstance(content, Accessible):
            content.write(value)
        elif isinstance(content, NamedObject):
            raise OperandTypeError(
                f"{self.path} is a {content.kind.name}, nothing can be stored there"
            )
        else:
            self.content = copy_value(value)

    def object_type(self) -> int:
        """The type of the object."""
        content = self.content
        return content.kind if isinstance(content, NamedObject) else object_type(content)


class NameReference(Reference):
    """A package element that is a name: it follows the object, which may be defined later."""

    __slots__ = ("path", "scope")

    def __init__(self, scope: Node, path: NamePath) -> None:
        self.scope = scope
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    def settled(self) -> Value:
        """The data that the name holds, or its node; this reference while there is none."""
        node = self.scope.space.find(self.scope, self.path)
        return self if node is None else node.read()

    def read(self) -> Value:
        """The value of the object, which must exist by now."""
        return self.scope.space.lookup(self.scope, self.path).read()

    def write(self, value: Value) -> None:
        """Store into the object, which must exist by now."""
        self.scope.space.lookup(self.scope, self.path).write(value)


class Link:
    """A name that an Alias has given to an object; the object does not know."""

    __slots__ = ("_name", "_parent", "_space", "alive")

    def __init__(self, space: Namespace, parent: Node, name: str) -> None:
        self._space = space
        self.alive = True
        self._parent = parent
        self._name = name

    def remove(self) -> None:
        """Take the name away."""
        self.alive = False
        self._parent.disown(self._name)
        self._space.generation += 1


def _fill(buffer: bytearray, source: bytearray) -> None:
    """A Buffer keeps its length when it is stored to, unless that is 0."""
    size = len(buffer)
    buffer[:] = bytearray(source[:size].ljust(size, b"\0")) if size else source


class Namespace:
    """The tree. ``generation`` changes whenever a name comes or goes."""

    def __init__(self) -> None:
        self.size = 8
        self.generation = 0
        self.root = Node(self, None, "\\", NamedObject())
        self._count = 0
        self._nodes = 0
        self._initializers: dict[Node, None] = {}

    def create(self, scope: Node, path: NamePath, content: Value | NamedObject) -> Node:
        """Create a name; all but its last NameSeg must exist.

        Raises:
            AlreadyExistsError: the name is taken.
            NotFoundError: the scope that it names does not exist.
            LimitExceededError: there are too many names, or too many above each other.
        """
        parent, seg = self._place(scope, path)
        if parent.level >= MAX_LEVELS or self._nodes >= MAX_NODES:
            raise LimitExceededError(f"{self._nodes} names, {parent.level} above this one")
        self._nodes += 1
        node = Node(self, parent, seg, content)
        self._count += 1
        node.order = self._count
        parent.adopt(seg, node)
        if seg == "_INI":
            self._initializers[node] = None
        self.generation += 1
        return node

    def link(self, scope: Node, path: NamePath, target: Node) -> Link:
        """Give ``target`` another name."""
        parent, seg = self._place(scope, path)
        parent.adopt(seg, target)
        self.generation += 1
        return Link(self, parent, seg)

    def _place(self, scope: Node, path: NamePath) -> tuple[Node, str]:
        if not path.segs:
            raise AlreadyExistsError("the root exists already")
        parent = scope if path.searched else self._walk(scope, path.above)
        if parent is None:
            raise NotFoundError(f"{path} has no parent in {scope.path}")
        seg = path.segs[-1]
        if seg in parent.children:
            raise AlreadyExistsError(f"{path} exists already in {parent.path}")
        return parent, seg

    def remove(self, node: Node) -> None:
        """Take a name, and all below it, out of the tree."""
        for child in list(node.children.values()):
            if child.parent is node:
                self.remove(child)
        node.alive = False
        self._nodes -= 1
        if node.name == "_INI":
            self._initializers.pop(node, None)
        if node.parent is not None:
            node.parent.disown(node.name)
        self.generation += 1

    def find(self, scope: Node, path: NamePath) -> Node | None:
        """Look a name up; a single NameSeg is searched for upwards to the root."""
        if not path.searched:
            return self._walk(scope, path)
        seg = path.segs[0]
        at: Node | None = scope
        while at is not None:
            node = at.children.get(seg)
            if node is not None:
                return node
            at = at.parent
        return None

    def lookup(self, scope: Node, path: NamePath) -> Node:
        """``find``, or raise.

        Raises:
            NotFoundError: there is no such name.
        """
        node = self.find(scope, path)
        if node is None:
            raise NotFoundError(f"{path} is not found from {scope.path}")
        return node

    def _walk(self, scope: Node, path: NamePath) -> Node | None:
        at = self.root if path.root else scope
        for _ in range(path.parents):
            if at.parent is None:
                return None
            at = at.parent
        for seg in path.segs:
            found = at.children.get(seg)
            if found is None:
                return None
            at = found
        return at

    def initializers(self) -> list[Node]:
        """Every _INI, those of parents first, else in the order of definition."""
        return sorted(self._initializers, key=_lineage)

    def walk(self) -> Iterator[Node]:
        """Every node but the root, in the order of definition; aliases are left out."""
        found: list[Node] = []
        pending = [self.root]
        while pending:
            node = pending.pop()
            own = [child for child in node.children.values() if child.parent is node]
            found += own
            pending += own
        yield from sorted(found, key=_order)


def _lineage(node: Node) -> list[int]:
    """The orders of a node's ancestors, from the root on: a device comes before what it holds."""
    found: list[int] = []
    at = node.parent
    while at is not None:
        found.append(at.order)
        at = at.parent
    return found[::-1]


def _order(node: Node) -> int:
    return node.order
