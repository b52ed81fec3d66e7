"""NUMA: which node each possible CPU and each part of the RAM belongs to, and how far nodes are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Numa:
    """The nodes of a machine, numbered from 0 without gaps; complete and consistent.

    Attributes:
        memory: bytes of RAM of each node; the RAM is laid out in the order of the nodes.
        cpus: the node of each possible CPU, by its number.
        distances: by source and destination node (ACPI 6.5 §5.2.17: 10 is local); empty where the
            user gave none, in which case there is no SLIT.
    """

    memory: tuple[int, ...]
    cpus: tuple[int, ...]
    distances: tuple[tuple[int, ...], ...] = ()
