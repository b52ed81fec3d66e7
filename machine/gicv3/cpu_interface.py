"""The CPU interface: what a CPU sees of the GIC, by its system registers (IHI 0069H §4, §12.2).

It picks the most urgent pending interrupt, compares it with ICC_PMR_EL1 and with what is running,
and drives the two wires to the CPU; acknowledge, priority drop and deactivation are its verbs.
Nothing is cached: each question is answered from the banks, so no answer can be stale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.gicv3.bank import PRIORITY_MASK, SGIS
from machine.gicv3.distributor import SPI_BASE
from machine.gicv3.redistributor import Redistributor
from machine.gicv3.sysregs import READS, WRITES, UnknownRegister
from machine.irq import IrqLine

if TYPE_CHECKING:
    from machine.gicv3.bank import Bank
    from machine.gicv3.distributor import Distributor

SPURIOUS = 1023
FIRST_SPECIAL = 1020
"""INTIDs 1020 to 1023 are no interrupts (IHI 0069H §2.2.1)."""

IDLE = 0xFF
"""The running priority where nothing runs."""

CTLR_CBPR = 1 << 0
CTLR_EOIMODE = 1 << 1

MIN_BPR = (2, 3)
"""The finest binary points that five priority bits allow, by group (IHI 0069H §4.8)."""

Pending = tuple[int, int, int]
"""A pending interrupt as (priority, INTID, group)."""


class GicCpu:
    """One possible CPU: its interface, its redistributor, its two wires.

    Args:
        index: the processor number.
        affinity: Aff2.Aff1.Aff0.
        distributor: where the shared interrupts come from, and the other CPUs can be found.
        waker: see `Redistributor`.
    """

    pmr: int
    bpr: tuple[int, int]
    control: int
    groups: int
    apr: tuple[int, int]

    STATE = ("pmr", "bpr", "control", "groups", "apr")
    __slots__ = (
        *STATE,
        "_accessible",
        "affinity",
        "distributor",
        "fiq",
        "index",
        "irq",
        "redistributor",
    )

    def __init__(
        self,
        index: int,
        affinity: int,
        distributor: Distributor,
        *,
        waker: bool = True,
    ) -> None:
        self.index = index
        self.affinity = affinity
        self.distributor = distributor
        self.irq = IrqLine("irq")
        self.fiq = IrqLine("fiq")
        self._accessible = False
        self._clear()
        self.redistributor = Redistributor(self, waker=waker)

    def _clear(self) -> None:
        self.pmr = 0
        self.bpr = MIN_BPR
        self.control = 0
        self.groups = 0
        self.apr = (0, 0)

    # -- whether it takes part ---------------------------------------------------------------

    @property
    def accessible(self) -> bool:
        """Whether the CPU interface can be reached ("GICC accessible"): the CPU is plugged.

        Where not, its outputs stay low and no SGI is generated for it; the redistributor's
        registers stay as they are.
        """
        return self._accessible

    @accessible.setter
    def accessible(self, accessible: bool) -> None:
        if accessible != self._accessible:
            self._accessible = accessible
            self.distributor.admit(self)
            self.forwarding_changed()

    @property
    def forwarding(self) -> bool:
        """Whether the redistributor sends interrupts here at all."""
        return self._accessible and not self.redistributor.asleep

    def forwarding_changed(self) -> None:
        """Enter or leave the choice of one of N, and look again."""
        self.distributor.participate(self.index, self.groups if self.forwarding else 0)
        self.update()

    def reset_interface(self) -> None:
        """Reset the CPU interface's registers, as CPU_ON does; the redistributor is untouched."""
        self._clear()
        self.forwarding_changed()

    def enable_groups(self, groups: int) -> None:
        """ICC_IGRPEN0_EL1 and ICC_IGRPEN1_EL1 as one mask.

        To enable a group while the redistributor sleeps is UNPREDICTABLE (IHI 0069H §11.1). Here
        it wakes up: software for KVM, whose redistributors never sleep, does not do it by itself.
        """
        if groups & ~self.groups:
            self.redistributor.asleep = False
        self.groups = groups
        self.forwarding_changed()

    # -- what is to be done ------------------------------------------------------------------

    def highest_pending(self) -> Pending | None:
        """The most urgent interrupt that is forwarded; of equals, the lowest INTID.

        ICC_PMR_EL1 and the running priority have no say (ICC_HPPIR1_EL1, IHI 0069H §12.2).
        """
        distributor = self.distributor
        groups = self.groups & distributor.groups
        if not groups or not self._accessible or self.redistributor.asleep:
            return None
        private = self.redistributor.private
        best = None
        if private.latch or private.level:
            best = private.first(private.ready(groups))
        if distributor.busy:
            shared = distributor.candidate(self.index, groups)
            if best is None or (shared is not None and shared < best):
                best = shared
        if best is None:
            return None
        bank, bit = self._locate(best[1])
        return *best, int(bool(bank.group & bit))

    def running_priority(self) -> int:
        """ICC_RPR_EL1: the group priority of the most urgent active interrupt."""
        active = self.apr[0] | self.apr[1]
        return ((active & -active).bit_length() - 1) << 3 if active else IDLE

    def group_mask(self, group: int) -> int:
        """The priority bits that decide about preemption (IHI 0069H §4.8)."""
        if group and not self.control & CTLR_CBPR:
            return 0xFF << self.bpr[1] & PRIORITY_MASK
        return 0xFF << self.bpr[0] + 1 & PRIORITY_MASK

    def signalled(self) -> Pending | None:
        """The interrupt that the wires announce, if any (IHI 0069H §4.8)."""
        pending = self.highest_pending()
        if pending is None or pending[0] >= self.pmr:
            return None
        if pending[0] & self.group_mask(pending[2]) >= self.running_priority():
            return None
        return pending

    def update(self) -> None:
        """Drive the wires: group 0 to FIQ, group 1 to IRQ (IHI 0069H §4.6.2).

        What must fall falls first: a CPU may act, and come back here, within a rise.
        """
        pending = self.signalled()
        if pending is None:
            self.irq.set(False)
            self.fiq.set(False)
            return
        low, high = (self.fiq, self.irq) if pending[2] else (self.irq, self.fiq)
        low.set(False)
        high.set(True)

    # -- the life of an interrupt ------------------------------------------------------------

    def acknowledge(self, group: int) -> int:
        """ICC_IAR0_EL1, ICC_IAR1_EL1: take the announced interrupt, or 1023."""
        pending = self.signalled()
        if pending is None or pending[2] != group:
            return SPURIOUS
        priority, intid, _group = pending
        bank, bit = self._locate(intid)
        bank.acknowledge(bit)
        self.set_active(group, self.apr[group] | 1 << ((priority & self.group_mask(group)) >> 3))
        self._touched(intid, bit)
        return intid

    def end(self, group: int, intid: int) -> None:
        """ICC_EOIR0_EL1, ICC_EOIR1_EL1: priority drop, and deactivation unless EOImode is 1.

        Where the most urgent active priority is not of this group the write is ignored: the
        architecture leaves it UNPREDICTABLE.
        """
        running = (self.apr[0] | self.apr[1]) & -(self.apr[0] | self.apr[1])
        if intid >= FIRST_SPECIAL or not self.apr[group] & running:
            return
        self.set_active(group, self.apr[group] & ~running)
        if self.control & CTLR_EOIMODE:
            self.update()
        else:
            self._deactivate(intid)

    def set_active(self, group: int, priorities: int) -> None:
        """Replace the active priorities of a group: ICC_AP0R0_EL1 or ICC_AP1R0_EL1."""
        self.apr = (self.apr[0], priorities) if group else (priorities, self.apr[1])

    def set_binary_point(self, group: int, point: int) -> None:
        """Replace ICC_BPR0_EL1 or ICC_BPR1_EL1; one below the finest becomes that."""
        point = max(point, MIN_BPR[group])
        self.bpr = (self.bpr[0], point) if group else (point, self.bpr[1])

    def deactivate(self, intid: int) -> None:
        """ICC_DIR_EL1: deactivation alone; ignored unless EOImode is 1."""
        if self.control & CTLR_EOIMODE and intid < FIRST_SPECIAL:
            self._deactivate(intid)

    def _deactivate(self, intid: int) -> None:
        if intid >= SPI_BASE + self.distributor.spis:
            self.update()
            return
        bank, bit = self._locate(intid)
        bank.active &= ~bit
        self._touched(intid, bit)

    def _touched(self, intid: int, bit: int) -> None:
        """An interrupt's state and this CPU's priority changed: all concerned look again."""
        if intid >= SPI_BASE:
            self.distributor.changed(intid // 32, bit)
        self.update()

    def _locate(self, intid: int) -> tuple[Bank, int]:
        """The bank of an implemented INTID, and its bit there."""
        if intid < SPI_BASE:
            return self.redistributor.private, 1 << intid
        return self.distributor.banks[intid // 32 - 1], 1 << intid % 32

    def receive_sgi(self, intid: int, *, any_group: bool) -> None:
        """Make an SGI pending here; see `machine.gicv3.sgi` for what a sender may generate."""
        private, bit = self.redistributor.private, 1 << intid & SGIS
        if not self._accessible or (private.group & bit and not any_group):
            return
        private.latch |= bit
        self.update()

    # -- system registers --------------------------------------------------------------------

    def mrs(self, register: str) -> int:
        """Read a system register by its architectural name.

        Raises:
            UnknownRegister: where there is none of that name to read; UNDEFINED to a guest.
        """
        read = READS.get(register)
        if read is None:
            raise UnknownRegister(register)
        return read(self)

    def msr(self, register: str, value: int) -> None:
        """Write a system register by its architectural name.

        Raises:
            UnknownRegister: where there is none of that name to write; UNDEFINED to a guest.
        """
        write = WRITES.get(register)
        if write is None:
            raise UnknownRegister(register)
        write(self, value)
