"""Software generated interrupts: ICC_SGI0R_EL1, ICC_SGI1R_EL1, ICC_ASGI1R_EL1 (IHI 0069H §12.2).

With one security state, ICC_SGI1R_EL1 generates interrupts of either group and the other two
only such as are in group 0 at the target, which is how KVM reads the table of §12.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from machine.gicv3.cpu_interface import GicCpu

IRM = 1 << 40
"""Interrupt_Routing_Mode: to all CPUs but the sender."""


def generate(sender: GicCpu, value: int, *, any_group: bool) -> None:
    """Carry out a write of one of the registers.

    Args:
        sender: whose register it is.
        value: 64 bits: Aff3, RS, IRM, Aff2, INTID, Aff1, TargetList.
        any_group: whether the interrupt may be in group 1 at its target.
    """
    intid = value >> 24 & 0xF
    for target in tuple(_broadcast(sender) if value & IRM else _listed(sender, value)):
        target.receive_sgi(intid, any_group=any_group)


def _broadcast(sender: GicCpu) -> Iterator[GicCpu]:
    """All CPUs but the sender: those that are accessible, as no other receives."""
    return (cpu for cpu in sender.distributor.accessible_cpus() if cpu is not sender)


def _listed(sender: GicCpu, value: int) -> Iterator[GicCpu]:
    """The CPUs of the target list, whose first bit stands for Aff0 = 16 * RS."""
    if value >> 48 & 0xFF:
        return
    cluster = (value >> 32 & 0xFF) << 16 | (value >> 16 & 0xFF) << 8 | (value >> 44 & 0xF) << 4
    for bit in range(16):
        target = sender.distributor.find(cluster | bit) if value >> bit & 1 else None
        if target is not None:
            yield target
