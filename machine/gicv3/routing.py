"""Where each SPI goes: GICD_IROUTER, and the choice of one CPU of many (IHI 0069H §2.3.1).

GICD_IROUTER<n> names one CPU by its affinity, or, by Interrupt_Routing_Mode, any that takes part.
The choice among those is the implementation's; here it is the lowest-numbered CPU whose interface
is accessible, whose redistributor is awake, and which has the interrupt's group enabled. It is
kept as a bit mask, so that finding it costs the same for 2 and for 512 CPUs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.gicv3.bank import BOTH_GROUPS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from machine.gicv3.bank import Bank

IRM = 1 << 31
"""GICD_IROUTER.Interrupt_Routing_Mode: one of N."""

WRITABLE = IRM | 0xFFFFFF
"""Aff3 is write-ignored: GICD_TYPER.A3V is 0."""

ANY = -1
"""A route to any participating CPU."""

NOWHERE = -2
"""A route to an affinity that no CPU has: pending interrupts stay where they are."""


class Routes:
    """The routes of all SPIs, by INTID and, turned around, by bank and CPU."""

    def __init__(self, spis: int, by_affinity: Mapping[int, int]) -> None:
        self.irouter = [0] * spis
        self._by_affinity = by_affinity
        self._masks: list[dict[int, int]] = []
        self._participants = [0, 0]
        self.elected = [NOWHERE, NOWHERE]
        self.reset()

    def reset(self) -> None:
        """Everything to affinity 0.0.0, as KVM."""
        self.irouter = [0] * len(self.irouter)
        target = self._by_affinity.get(0, NOWHERE)
        self._masks = [{target: 0xFFFFFFFF} for _ in range(len(self.irouter) // 32)]

    def route(self, spi: int, value: int) -> None:
        """Write GICD_IROUTER of an SPI, counted from 0 (IHI 0069H §12.9)."""
        masks, bit = self._masks[spi // 32], 1 << spi % 32
        old = self._target(self.irouter[spi])
        masks[old] ^= bit
        if not masks[old]:
            del masks[old]
        self.irouter[spi] = value & WRITABLE
        new = self._target(self.irouter[spi])
        masks[new] = masks.get(new, 0) | bit

    def _target(self, irouter: int) -> int:
        return ANY if irouter & IRM else self._by_affinity.get(irouter, NOWHERE)

    def participate(self, cpu: int, groups: int) -> set[int]:
        """Have a CPU take part in the choice of one of N, for a set of groups.

        Returns:
            The CPUs that lost or won an election.
        """
        concerned = set()
        for group in (0, 1):
            mask = self._participants[group]
            if mask >> cpu & 1 == groups >> group & 1:
                continue
            mask ^= 1 << cpu
            self._participants[group] = mask
            winner = (mask & -mask).bit_length() - 1 if mask else NOWHERE
            if winner != self.elected[group]:
                concerned |= {winner, self.elected[group]}
                self.elected[group] = winner
        return concerned - {NOWHERE}

    def mask(self, n: int, cpu: int, bank: Bank) -> int:
        """The SPIs of bank `n` (from 0) that would be sent to a CPU."""
        masks = self._masks[n]
        routed = masks.get(cpu, 0)
        anywhere = masks.get(ANY, 0)
        if not anywhere:
            return routed
        groups = sum(1 << group for group in (0, 1) if self.elected[group] == cpu)
        if groups == BOTH_GROUPS:
            return routed | anywhere
        if not groups:
            return routed
        return routed | (anywhere & (bank.group if groups > 1 else ~bank.group))

    def targets(self, n: int, mask: int) -> set[int]:
        """The CPUs that a change of SPIs in bank `n` (from 0) may concern."""
        targets = {cpu for cpu, routed in self._masks[n].items() if routed & mask}
        if ANY in targets:
            targets.update(self.elected)
        return targets - {ANY, NOWHERE}
