"""What the wire says of NUMA, as the machine takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from machine.numa_draft import (
    OTHER_PLACE,
    PLACE,
    NumaCpu,
    NumaDistance,
    NumaHmat,
    NumaNode,
)
from protocol.qapi.numa import NumaOptions, NumaOptionsType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from machine.numa_draft import NumaOption


def _node(said: Any) -> NumaNode:
    return NumaNode(said.nodeid, tuple(said.cpus or ()), said.mem, said.memdev, said.initiator)


def _cpu(said: Any) -> NumaCpu:
    place = ((name, getattr(said, name.replace("-", "_"))) for name in (*PLACE, *OTHER_PLACE))
    return NumaCpu(said.node_id, tuple((name, at) for name, at in place if at is not None))


def _distance(said: Any) -> NumaDistance:
    return NumaDistance(said.src, said.dst, said.val)


def _hmat(_said: Any) -> NumaHmat:
    return NumaHmat()


_OPTIONS: Mapping[NumaOptionsType, Callable[[Any], NumaOption]] = {
    NumaOptionsType.NODE: _node,
    NumaOptionsType.CPU: _cpu,
    NumaOptionsType.DIST: _distance,
    NumaOptionsType.HMAT_LB: _hmat,
    NumaOptionsType.HMAT_CACHE: _hmat,
}


def numa_option(said: NumaOptions) -> NumaOption:
    """One thing that is said."""
    return _OPTIONS[said.type_](said)
