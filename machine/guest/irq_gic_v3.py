"""The GICv3 driver (Linux: drivers/irqchip/irq-gic-v3.c; IHI 0069H §12).

Distributor once, at boot; a redistributor and a CPU interface for each CPU as it comes up. The
redistributor is found by walking the regions that firmware names until GICR_TYPER has the CPU's
affinity, so that a CPU without one does not start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from machine.guest.platform import Platform, Thread

    Handler = Callable[[Platform], Thread | None]

GICD_CTLR, GICD_TYPER = 0x0000, 0x0004
GICD_IGROUPR, GICD_ISENABLER, GICD_ICENABLER = 0x0080, 0x0100, 0x0180
GICD_ICACTIVER, GICD_IPRIORITYR, GICD_ICFGR, GICD_IROUTER = 0x0380, 0x0400, 0x0C00, 0x6000
GICR_TYPER, GICR_WAKER = 0x0008, 0x0014
SGI_BASE = 0x1_0000
GICR_STRIDE = 0x2_0000
GICR_IGROUPR0, GICR_ISENABLER0, GICR_ICENABLER0 = 0x0080, 0x0100, 0x0180
GICR_ICACTIVER0, GICR_IPRIORITYR = 0x0380, 0x0400

CTLR_ENABLE_G1A, CTLR_ARE_NS, CTLR_ENABLE_G1 = 2, 0x10, 1
TYPER_LAST = 1 << 4
PROCESSOR_SLEEP, CHILDREN_ASLEEP = 2, 4
DEFAULT_PRIORITY = 0xA0A0_A0A0
DEFAULT_PMR = 0xF0
SPURIOUS = 1020
WAKE_TRIES = 1000


class NoRedistributorError(Exception):
    """No region holds a redistributor for this CPU's MPIDR."""


class _Walk:
    """A walk over the redistributors, taken up where the CPU before has found its own."""

    def __init__(self, regions: Sequence[tuple[int, int]]) -> None:
        self._passed: dict[int, tuple[int, int]] = {}
        self._frames = self._each(regions)

    def find(self, platform: Platform, affinity: int) -> tuple[int, int] | None:
        """The region and the frame of a CPU; `platform` is the one that looks."""
        self._platform = platform
        while affinity not in self._passed:
            frame = next(self._frames, None)
            if frame is None:
                return None
            owner, place = frame
            self._passed[owner] = place
        return self._passed[affinity]

    def _each(self, regions: Sequence[tuple[int, int]]) -> Iterator[tuple[int, tuple[int, int]]]:
        """Affinities, with places; a region ends with its length, or with GICR_TYPER.Last."""
        for region, (base, length) in enumerate(regions):
            for frame in range(base, base + length, GICR_STRIDE):
                typer = self._platform.load(frame + GICR_TYPER, 8)
                yield typer >> 32, (region, frame)
                if typer & TYPER_LAST:
                    break


class GicV3:
    """The driver's state: where the frames are, and who handles which interrupt.

    Args:
        distributor: the address of its frame.
        redistributors: the regions, address and length in bytes.
    """

    def __init__(self, distributor: int, redistributors: Sequence[tuple[int, int]]) -> None:
        self._dist = distributor
        self._regions = redistributors
        self._redist: dict[int, tuple[int, int]] = {}
        self._boot_walk: _Walk | None = _Walk(redistributors)
        self._handlers: dict[int, Handler] = {}
        self._routes: dict[int, int] = {}
        """Where the SPIs go that have been requested: INTID to the affinity of a CPU."""

    def init_distributor(self, platform: Platform) -> int:
        """Bring all SPIs to group 1, level, default priority, disabled; enable. Gives their count.

        SPIs are routed to the CPU that does this.
        """
        dist = self._dist
        platform.store(dist + GICD_CTLR, 4, 0)
        lines = ((platform.load(dist + GICD_TYPER, 4) & 0x1F) + 1) * 32
        for n in range(1, lines // 32):
            platform.store(dist + GICD_IGROUPR + 4 * n, 4, 0xFFFF_FFFF)
            platform.store(dist + GICD_ICFGR + 8 * n, 4, 0)
            platform.store(dist + GICD_ICFGR + 8 * n + 4, 4, 0)
            platform.store(dist + GICD_ICACTIVER + 4 * n, 4, 0xFFFF_FFFF)
            platform.store(dist + GICD_ICENABLER + 4 * n, 4, 0xFFFF_FFFF)
            for word in range(32 * n, 32 * n + 32, 4):
                platform.store(dist + GICD_IPRIORITYR + word, 4, DEFAULT_PRIORITY)
        enable = CTLR_ARE_NS | CTLR_ENABLE_G1A | CTLR_ENABLE_G1
        platform.store(dist + GICD_CTLR, 4, enable)
        affinity = platform.mrs("MPIDR_EL1") & 0xFF_FFFF
        for spi in range(32, lines):
            platform.store(dist + GICD_IROUTER + 8 * spi, 8, affinity)
        return lines - 32

    def end_boot(self) -> None:
        """Every CPU that comes from now on walks over all of the redistributors by itself.

        Those of the boot share one walk, so that it takes no longer than there are frames.
        """
        self._boot_walk = None

    def init_cpu(self, platform: Platform) -> tuple[int, int]:
        """Wake this CPU's redistributor, and enable its interface.

        Gives the number of the region and the frame's address.

        Raises:
            NoRedistributorError: where there is none for this CPU.
        """
        affinity = platform.mrs("MPIDR_EL1") & 0xFF_FFFF
        found = self._redist.get(affinity)
        if found is None:
            found = self._redist[affinity] = self._find_redistributor(platform, affinity)
        _, frame = found
        self._wake(platform, frame)
        private = frame + SGI_BASE
        platform.store(private + GICR_IGROUPR0, 4, 0xFFFF_FFFF)
        platform.store(private + GICR_ICACTIVER0, 4, 0xFFFF_FFFF)
        platform.store(private + GICR_ICENABLER0, 4, 0xFFFF_0000)
        platform.store(private + GICR_ISENABLER0, 4, 0x0000_FFFF)
        for word in range(0, 32, 4):
            platform.store(private + GICR_IPRIORITYR + word, 4, DEFAULT_PRIORITY)
        platform.msr("ICC_SRE_EL1", 1)
        platform.msr("ICC_PMR_EL1", DEFAULT_PMR)
        platform.msr("ICC_BPR1_EL1", 0)
        platform.msr("ICC_CTLR_EL1", 0)
        platform.msr("ICC_IGRPEN1_EL1", 1)
        return found

    def enable_ppi(self, platform: Platform, intid: int) -> None:
        """Let one private interrupt of the calling CPU through."""
        affinity = platform.mrs("MPIDR_EL1") & 0xFF_FFFF
        _, frame = self._redist[affinity]
        platform.store(frame + SGI_BASE + GICR_ISENABLER0, 4, 1 << intid)

    def request_edge_spi(self, platform: Platform, intid: int) -> None:
        """Configure an SPI as edge-triggered and enable it."""
        dist = self._dist
        config = dist + GICD_ICFGR + 4 * (intid // 16)
        platform.store(config, 4, platform.load(config, 4) | 2 << 2 * (intid % 16))
        self.request_spi(platform, intid)

    def request_spi(self, platform: Platform, intid: int) -> None:
        """Enable an SPI, level-sensitive unless it was configured otherwise."""
        platform.store(self._dist + GICD_ISENABLER + 4 * (intid // 32), 4, 1 << intid % 32)
        self._routes[intid] = platform.mrs("MPIDR_EL1") & 0xFF_FFFF

    def spis_of(self, affinity: int) -> list[int]:
        """The requested SPIs that go to a CPU."""
        return [intid for intid, at in self._routes.items() if at == affinity]

    def route_spi(self, platform: Platform, intid: int, affinity: int) -> None:
        """Send an SPI to another CPU; it is disabled meanwhile (Linux: gic_set_affinity)."""
        word, bit = 4 * (intid // 32), 1 << intid % 32
        platform.store(self._dist + GICD_ICENABLER + word, 4, bit)
        platform.store(self._dist + GICD_IROUTER + 8 * intid, 8, affinity)
        platform.store(self._dist + GICD_ISENABLER + word, 4, bit)
        self._routes[intid] = affinity

    def handle(self, intid: int, handler: Handler) -> None:
        """Register who handles an interrupt; the handler is given the CPU that took it.

        One that gives a thread does not let that CPU go on with what it did.
        """
        self._handlers[intid] = handler

    def take_irq(self, platform: Platform) -> Thread | None:
        """The IRQ vector: acknowledge, handle, and end whatever is pending."""
        while (intid := platform.mrs("ICC_IAR1_EL1")) < SPURIOUS:
            platform.msr("ICC_EOIR1_EL1", intid)
            handler = self._handlers.get(intid)
            instead = handler(platform) if handler is not None else None
            if instead is not None:
                return instead
        return None

    @staticmethod
    def send_sgi(platform: Platform, intid: int, affinity: int) -> None:
        """Send an SGI to one CPU (ICC_SGI1R_EL1: Aff2, INTID, Aff1, RS, target list)."""
        aff0, aff1, aff2 = affinity & 0xFF, affinity >> 8 & 0xFF, affinity >> 16 & 0xFF
        value = aff2 << 32 | (aff0 >> 4) << 44 | intid << 24 | aff1 << 16 | 1 << (aff0 & 0xF)
        platform.msr("ICC_SGI1R_EL1", value)

    def _find_redistributor(self, platform: Platform, affinity: int) -> tuple[int, int]:
        walk = self._boot_walk or _Walk(self._regions)
        found = walk.find(platform, affinity)
        if found is None:
            raise NoRedistributorError(hex(affinity))
        return found

    @staticmethod
    def _wake(platform: Platform, frame: int) -> None:
        """Clear ProcessorSleep; ChildrenAsleep follows (IHI 0069H §12.11.42)."""
        waker = platform.load(frame + GICR_WAKER, 4)
        platform.store(frame + GICR_WAKER, 4, waker & ~PROCESSOR_SLEEP)
        for _ in range(WAKE_TRIES):
            if not platform.load(frame + GICR_WAKER, 4) & CHILDREN_ASLEEP:
                return
