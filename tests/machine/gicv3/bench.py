"""A GIC on the bench: what a driver does to bring it up, in one call, and short verbs to use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.gicv3.gic import GicV3
from machine.gicv3.redistributor import FRAMES_SIZE, SGI_BASE
from machine.topology import mpidr_affinity

if TYPE_CHECKING:
    from machine.gicv3.cpu_interface import GicCpu

CTLR, TYPER, IROUTER = 0x0, 0x4, 0x6000
IGROUPR, ISENABLER, ICENABLER = 0x80, 0x100, 0x180
ISPENDR, ICPENDR, ISACTIVER, ICACTIVER = 0x200, 0x280, 0x300, 0x380
IPRIORITYR, ICFGR = 0x400, 0xC00
WAKER = 0x14
ALL = 0xFFFFFFFF
SPURIOUS = 1023


class Bench:
    """A GIC with `count` CPUs, numbered as KVM numbers them; not yet programmed."""

    def __init__(self, count: int = 2, *, spis: int = 256, waker: bool = True) -> None:
        affinities = [mpidr_affinity(n) for n in range(count)]
        self.gic = GicV3(affinities, spis=spis, waker=waker)
        self.gicd = self.gic.distributor
        self.gicr = self.gic.redistributor_region(0, count)

    def cpu(self, n: int = 0) -> GicCpu:
        return self.gic.cpus[n]

    def wake(self, n: int) -> None:
        self.gicr.write(n * FRAMES_SIZE + WAKER, 4, 0)

    def start(self, n: int) -> None:
        """What a CPU does for itself: wake the redistributor, open the interface."""
        self.wake(n)
        self.cpu(n).msr("ICC_PMR_EL1", 0xF0)
        self.cpu(n).msr("ICC_IGRPEN1_EL1", 1)

    def sgi_base(self, n: int, offset: int, value: int | None = None) -> int:
        """Access a register of CPU `n`'s SGI_base frame."""
        at = n * FRAMES_SIZE + SGI_BASE + offset
        if value is not None:
            self.gicr.write(at, 4, value)
        return self.gicr.read(at, 4)

    def priority(self, intid: int, priority: int, n: int = 0) -> None:
        if intid < 32:
            self.gicr.write(n * FRAMES_SIZE + SGI_BASE + IPRIORITYR + intid, 1, priority)
        else:
            self.gicd.write(IPRIORITYR + intid, 1, priority)

    def bit(self, register: int, intid: int) -> None:
        """Write a 1 to an SPI's bit of an array in the distributor."""
        self.gicd.write(register + intid // 32 * 4, 4, 1 << intid % 32)

    def reads(self, register: int, intid: int) -> bool:
        """Read an SPI's bit of an array in the distributor."""
        return bool(self.gicd.read(register + intid // 32 * 4, 4) >> intid % 32 & 1)

    def edge(self, intid: int) -> None:
        """Configure an SPI as edge-triggered."""
        at = ICFGR + intid // 16 * 4
        self.gicd.write(at, 4, self.gicd.read(at, 4) | 2 << intid % 16 * 2)

    def route(self, intid: int, value: int) -> None:
        self.gicd.write(IROUTER + 8 * intid, 8, value)

    def pulse(self, intid: int) -> None:
        self.gic.set_spi(intid, True)
        self.gic.set_spi(intid, False)

    def ack(self, n: int = 0) -> int:
        return self.cpu(n).mrs("ICC_IAR1_EL1")

    def end(self, intid: int, n: int = 0) -> None:
        self.cpu(n).msr("ICC_EOIR1_EL1", intid)

    def send(self, value: int, n: int = 0) -> None:
        self.cpu(n).msr("ICC_SGI1R_EL1", value)

    def raised(self) -> list[int]:
        """The CPUs whose IRQ wire is high."""
        return [cpu.index for cpu in self.gic.cpus if cpu.irq.level]


def running(count: int = 2, *, spis: int = 256) -> Bench:
    """A bench with a distributor and CPUs that a driver has brought up."""
    bench = Bench(count, spis=spis)
    bench.gicd.write(CTLR, 4, 0b11)
    for n in range(count):
        bench.start(n)
    return bench
