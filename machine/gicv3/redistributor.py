"""The redistributors: the private interrupts of each CPU, and its sleep (IHI 0069H §12.11).

Each has two frames of 64 KiB: RD_base (control) and SGI_base (the SGIs and PPIs). They stay
accessible whatever becomes of the CPU: a guest may program the redistributor of a CPU that is not
plugged yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.gicv3.bank import ALL, SGIS, Bank
from machine.gicv3.frame import IIDR, PIDR2, InterruptFrame, banked, ignored
from machine.register import Reg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from machine.gicv3.cpu_interface import GicCpu

SGI_BASE = 0x10000
FRAMES_SIZE = 0x20000
"""The frames of one redistributor, in bytes."""

PROCESSOR_SLEEP = 1 << 1
CHILDREN_ASLEEP = 1 << 2
TYPER_LAST = 1 << 4

PROPBASER_RES0 = 0x1F << 59 | 0xF << 52 | 0b11 << 5
"""GICR_PROPBASER: what is neither address nor size nor an attribute (IHI 0069H §12.11)."""
PENDBASER_RES0 = 0b111 << 59 | 1 << 62 | 1 << 63 | 0xF << 52 | 0xF << 12 | 0x7F
"""GICR_PENDBASER likewise; its PTZ, bit 62, reads as zero."""


class Redistributor(InterruptFrame):
    """GICR of one CPU.

    Args:
        cpu: whose redistributor it is.
        waker: whether GICR_WAKER is implemented; if not, it is RAZ/WI and never asleep (KVM).
    """

    GICR_CTLR = ignored(0x0000)
    GICR_IIDR = Reg(0x0004, reset=IIDR, ro=ALL)
    GICR_TYPER = Reg(0x0008, size=8, ro=ALL << 32 | ALL, min_access=4)
    GICR_STATUSR = ignored(0x0010)
    GICR_WAKER = Reg(0x0014)
    GICR_PROPBASER = Reg(0x0070, size=8, ro=PROPBASER_RES0, min_access=4)
    GICR_PENDBASER = Reg(0x0078, size=8, ro=PENDBASER_RES0, min_access=4)
    GICR_INVLPIR = Reg(0x00A0, size=8, ro=ALL << 32 | ALL, min_access=4)
    GICR_INVALLR = Reg(0x00B0, size=8, ro=ALL << 32 | ALL, min_access=4)
    GICR_SYNCR = ignored(0x00C0)
    GICR_PIDR4 = ignored(0xFFD0, 4)
    GICR_PIDR0 = ignored(0xFFE0, 2)
    GICR_PIDR2 = Reg(0xFFE8, reset=PIDR2, ro=ALL)
    GICR_PIDR3 = ignored(0xFFEC)
    GICR_CIDR = ignored(0xFFF0, 4)
    GICR_IGROUPR0 = banked(SGI_BASE + 0x0080, "group")
    GICR_ISENABLER0 = banked(SGI_BASE + 0x0100, "enable")
    GICR_ICENABLER0 = banked(SGI_BASE + 0x0180, "disable")
    GICR_ISPENDR0 = banked(SGI_BASE + 0x0200, "pend")
    GICR_ICPENDR0 = banked(SGI_BASE + 0x0280, "unpend")
    GICR_ISACTIVER0 = banked(SGI_BASE + 0x0300, "activate")
    GICR_ICACTIVER0 = banked(SGI_BASE + 0x0380, "deactivate")
    GICR_IPRIORITYR = banked(SGI_BASE + 0x0400, "priority", 8)
    GICR_ICFGR = banked(SGI_BASE + 0x0C00, "trigger", 2)
    GICR_IGRPMODR0 = ignored(SGI_BASE + 0x0D00)
    GICR_NSACR = ignored(SGI_BASE + 0x0E00)

    STATE = ("private", "asleep")
    __slots__ = (*STATE, "_waker", "cpu", "last")

    def __init__(self, cpu: GicCpu, *, waker: bool = True) -> None:
        super().__init__()
        self.cpu = cpu
        self.last = False
        self.private = Bank(enabled=SGIS, edge=SGIS)
        self._waker = waker
        self.asleep = waker

    def reset(self) -> None:
        """Registers to their reset values; the lines of the PPIs keep their levels.

        SGIs are enabled and edge-triggered, PPIs disabled and level-sensitive, as KVM.
        """
        super().reset()
        self.private.reset(enabled=SGIS, edge=SGIS)
        self.asleep = self._waker

    def write(self, offset: int, size: int, value: int) -> None:
        """Take a store."""
        self.note_use()
        super().write(offset, size, value)

    def note_use(self) -> None:
        """Its state is no longer what a reset leaves."""
        self.cpu.distributor.note_redistributor(self.cpu.index)

    def set_ppi(self, intid: int, *, level: bool) -> None:
        """Drive the input line of a PPI.

        Raises:
            ValueError: for an INTID that is no PPI.
        """
        if not 16 <= intid < 32:
            raise ValueError(f"INTID {intid} is not a PPI")
        if self.private.set_line(1 << intid, level=level):
            self.cpu.update()

    def bank(self, _n: int) -> Bank:
        """There is one."""
        return self.private

    def configurable(self, _n: int) -> int:
        """GICR_ICFGR0, of the SGIs, is read-only (IHI 0069H §12.11)."""
        return ALL & ~SGIS

    def changed(self, _n: int, _mask: int) -> None:
        """Private interrupts concern one CPU."""
        self.cpu.update()

    @GICR_TYPER.read
    def _read_typer(self, _n: int) -> int:
        """Affinity_Value, Processor_Number and Last; no LPIs (IHI 0069H §12.11, GICR_TYPER)."""
        last = TYPER_LAST if self.last else 0
        return self.cpu.affinity << 32 | self.cpu.index << 8 | last

    @GICR_WAKER.read
    def _read_waker(self, _n: int) -> int:
        return PROCESSOR_SLEEP | CHILDREN_ASLEEP if self.asleep else 0

    @GICR_WAKER.write
    def _write_waker(self, _n: int, value: int) -> None:
        """ChildrenAsleep follows ProcessorSleep at once (IHI 0069H §12.11, GICR_WAKER)."""
        asleep = self._waker and bool(value & PROCESSOR_SLEEP)
        if asleep != self.asleep:
            self.asleep = asleep
            self.cpu.forwarding_changed()


class RedistributorRegion:
    """Redistributors side by side, as one device on the bus.

    Args:
        redistributors: in the order of their addresses; at least one.
        last: whether a guest's walk ends here, that is, whether no region follows directly.
    """

    def __init__(self, redistributors: Sequence[Redistributor], *, last: bool = True) -> None:
        self._redistributors = redistributors
        self.size = len(redistributors) * FRAMES_SIZE
        redistributors[-1].last = last

    def read(self, offset: int, size: int) -> int:
        """Answer a load; the region knows which CPU's frame it meets."""
        return self._redistributors[offset // FRAMES_SIZE].read(offset % FRAMES_SIZE, size)

    def write(self, offset: int, size: int, value: int) -> None:
        """Take a store."""
        self._redistributors[offset // FRAMES_SIZE].write(offset % FRAMES_SIZE, size, value)
