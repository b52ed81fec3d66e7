"""The objects that users have created, by id (QEMU: qom/object_interfaces.c, path `/objects`)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol

from daemon.objects.types import OBJECT_TYPES
from daemon.options.parameters import IDENTIFIER
from machine.memory_backend import MemoryBackend
from machine.qom.memory_backend import backend_node
from machine.qom.node import Node, container
from machine.qom.regions import MemoryRegion, ram_regions
from protocol.errors import QmpError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from daemon.objects.tls import TlsCredsX509
    from machine.planned import PlannedMachine
    from machine.qom.node import Property
    from machine.qom.tree import QomTree
    from machine.virt import VirtMachine
    from protocol.qapi.objects import ObjectOptions


class UserCreatable(Protocol):
    """What every type is: made from its properties, and showing them."""

    def properties(self) -> dict[str, Property]:
        """What QOM shows."""


Made = UserCreatable | MemoryBackend


class Objects:
    """All of them, in the order in which they were created.

    Args:
        qom: the tree to show them in, beside what the machine itself has there.
    """

    def __init__(self, qom: QomTree | None = None) -> None:
        self._objects: dict[str, tuple[str, Made]] = {}
        self._machine: VirtMachine | PlannedMachine | None = None
        self._built_in = container
        if qom is not None:
            self._mount(qom)

    def serve(self, machine: VirtMachine | PlannedMachine) -> None:
        """Be the objects of a machine, from now on: its RAM may be in some of them."""
        self._machine = machine
        self._mount(machine.qom)

    def create(self, options: ObjectOptions) -> None:
        """Create one.

        Raises:
            QmpError: it can't be, and there is no such object then.
        """
        from daemon.objects.make import make  # noqa: PLC0415 - most daemons have no objects

        id_ = options.id_
        if not IDENTIFIER.fullmatch(id_):
            raise QmpError("Parameter 'id' expects an identifier")
        if id_ in self.node().properties:
            raise QmpError(
                f"attempt to add duplicate property '{id_}' to object (type 'container')"
            )
        self._objects[id_] = options.qom_type.value, make(options)

    def create_all(self, given: tuple[Mapping[str, Any], ...]) -> None:
        """Create those of a command line.

        Raises:
            QmpError: one of them can't be.
        """
        for members in given:
            from daemon.objects.make import read_options  # noqa: PLC0415 - as above

            self.create(read_options(members))

    def delete(self, id_: str) -> None:
        """Forget one; who speaks TLS with it goes on doing so.

        Raises:
            QmpError: there is none, or it is the machine's own.
        """
        if id_ not in self._objects:
            built_in = self._built_in().find(id_)
            if built_in is not None and built_in.make is not None:
                raise QmpError(f"object '{id_}' is in use, can not be deleted")
            raise QmpError(f"object '{id_}' not found")
        if self._machine is not None and self._machine.uses_backend(id_):
            raise QmpError(f"object '{id_}' is in use, can not be deleted")
        del self._objects[id_]

    def memory_backends(self) -> dict[str, MemoryBackend]:
        """Those of them that are memory backends, by id."""
        return {
            id_: made for id_, (_, made) in self._objects.items() if isinstance(made, MemoryBackend)
        }

    def backend_sizes(self) -> dict[str, int]:
        """The bytes of each memory backend, by id."""
        return {id_: backend.size for id_, backend in self.memory_backends().items()}

    def server_context(self, id_: str) -> ssl.SSLContext:
        """What speaks TLS as a server, with the credentials of this id.

        Raises:
            QmpError: there are no such credentials, or they are a client's.
        """
        return self._credentials(id_, "server").context

    def client_context(self, id_: str) -> ssl.SSLContext:
        """What speaks TLS as a client; see `server_context`."""
        return self._credentials(id_, "client").context

    def authorize(self, id_: str, peer: ssl.SSLObject) -> bool:
        """Whether the access list of this id lets in whom TLS has verified.

        Nobody is let in who has not been verified, or has no name, or where there is no such list.
        """
        der = peer.getpeercert(binary_form=True)
        if der is None:
            return False
        from daemon.objects.certificate import Certificate  # noqa: PLC0415 - as above

        name = Certificate.from_der(der).subject
        return bool(name) and self.allows(id_, name)

    def allows(self, id_: str, name: str) -> bool:
        """Whether the access list of this id allows a name; where there is none, it does not."""
        from daemon.objects.authz import AuthZList, AuthZSimple  # noqa: PLC0415 - as above

        _, list_ = self._objects.get(id_, (None, None))
        return isinstance(list_, AuthZSimple | AuthZList) and list_.allows(name)

    def node(self) -> Node:
        """The object `/objects`."""
        node = self._built_in()
        for id_, (type_, _made) in self._objects.items():
            node.add(id_, type_, partial(self._node, id_))
        return node

    def _node(self, id_: str) -> Node:
        type_, made = self._objects[id_]
        if not isinstance(made, MemoryBackend):
            return Node(type_, made.properties())
        region = self._region(id_, made)
        return backend_node(made, region.component, region.node)

    def _region(self, id_: str, backend: MemoryBackend) -> MemoryRegion:
        """Where a backend's memory is among the guest's addresses; nowhere, if it is not used."""
        regions = ram_regions(self._machine) if self._machine is not None else ()
        nowhere = MemoryRegion(id_, 0, backend.size, "ram", within="")
        return next((region for region in regions if region.name == id_), nowhere)

    def _mount(self, qom: QomTree) -> None:
        present = qom.root().find("objects")
        if present is not None and present.make is not None:
            self._built_in = present.make
        qom.mount("objects", "container", self.node)
        qom.types.add(OBJECT_TYPES)

    def _credentials(self, id_: str, endpoint: Literal["client", "server"]) -> TlsCredsX509:
        from daemon.objects.tls import TlsCredsX509  # noqa: PLC0415 - as above

        if id_ not in self._objects:
            raise QmpError(f"No TLS credentials with id '{id_}'")
        credentials = self._objects[id_][1]
        if not isinstance(credentials, TlsCredsX509):
            raise QmpError(f"Object with id '{id_}' is not TLS credentials")
        if credentials.endpoint != endpoint:
            raise QmpError(f"Expected TLS credentials for a {endpoint} endpoint")
        return credentials
