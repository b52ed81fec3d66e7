"""What the guest is made to do: the machine's stages, as its kernel asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.faults.faults import AS_EVER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from machine.cpu import CpuSlot
    from machine.faults.faults import Decision, Faults
    from machine.guest.behaviour import Behaviour


class GuestWill:
    """Answers for one machine; `behaviour` may be changed at any time.

    Args:
        behaviour: what the guest is like at first.
        faults: the machine's.
        by_affinity: possible CPUs by MPIDR affinity.
    """

    def __init__(
        self, behaviour: Behaviour, faults: Faults, by_affinity: Mapping[int, CpuSlot]
    ) -> None:
        self.behaviour = behaviour
        self._faults = faults
        self._by_affinity = by_affinity

    def decide(self, event: str, mpidr: int | None = None) -> Decision:
        """What is to come of an event, on the CPU with this affinity if it is about one."""
        if not self._faults.on:
            return AS_EVER
        slot = self._by_affinity.get(mpidr) if mpidr is not None else None
        return self._faults.decide(event, None if slot is None else slot.index)
