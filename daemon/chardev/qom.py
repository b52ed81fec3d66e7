"""Character devices in the object tree: the container `/chardevs`, as QEMU shows it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from daemon.chardev.sockets import SocketBackend
from daemon.config import FdAddress, UnixAddress
from machine.qom.node import Node, container
from machine.qom.types import QomType, TypeProperty

if TYPE_CHECKING:
    from collections.abc import Mapping

    from daemon.chardev.backend import Backend
    from daemon.config import Address
    from machine.qom.tree import QomTree

CHARDEV_TYPES = (
    QomType("chardev", "object", abstract=True),
    QomType("chardev-fd", "chardev", abstract=True),
    QomType("chardev-file", "chardev-fd"),
    QomType("chardev-null", "chardev"),
    QomType("chardev-pty", "chardev"),
    QomType(
        "chardev-socket",
        "chardev",
        properties=(TypeProperty("connected", "bool"), TypeProperty("addr", "SocketAddress")),
    ),
    QomType("chardev-stdio", "chardev-fd"),
)


def mount(qom: QomTree, chardevs: Mapping[str, Backend]) -> None:
    """Show these beside the machine."""
    qom.types.add(CHARDEV_TYPES)
    qom.mount("chardevs", "container", partial(_all, chardevs))


def _all(chardevs: Mapping[str, Backend]) -> Node:
    node = container()
    for label, chardev in chardevs.items():
        node.add(label, chardev.qom_type, partial(_one, chardev))
    return node


def _one(chardev: Backend) -> Node:
    node = Node(chardev.qom_type)
    if isinstance(chardev, SocketBackend):
        node.show("connected", "bool", chardev.connected)
        node.show("addr", "SocketAddress", _address(chardev.address))
    return node


def _address(address: Address) -> dict[str, Any]:
    """An address as QAPI has it (`SocketAddress`), where a port is a string."""
    if isinstance(address, UnixAddress):
        return {"type": "unix", "path": address.path}
    if isinstance(address, FdAddress):
        return {"type": "fd", "str": str(address.fd)}
    return {"type": "inet", "host": address.host, "port": str(address.port)}
