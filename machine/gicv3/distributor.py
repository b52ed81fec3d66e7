"""The distributor: the shared interrupts (SPIs), and where they go (IHI 0069H §12.9).

One security state (GICD_CTLR.DS = 1) and affinity routing only (ARE = 1), as KVM's vGIC: what
belongs to the private interrupts is in the redistributors, and the first elements of every array
here read as zero. LPIs, message-based SPIs and extended ranges are not implemented.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.gicv3.bank import ALL, BOTH_GROUPS, Bank
from machine.gicv3.frame import IIDR, PIDR2, InterruptFrame, banked, ignored
from machine.gicv3.routing import Routes
from machine.register import Reg

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from machine.gicv3.bank import Candidate
    from machine.gicv3.cpu_interface import GicCpu

SPI_BASE = 32
"""The INTID of the first SPI (IHI 0069H §2.2)."""

MAX_SPIS = 992
"""INTIDs 1020 to 1023 are special, the rest below 1024 can be implemented."""

REVISION = 2 << 12
"""GICD_IIDR.Revision: that of KVM's vGIC whose interrupt groups software configures, and that
signals interrupts by them (Documentation/virt/kvm/devices/arm-vgic-v3.rst, GICD_IIDR)."""

CTLR_ENABLES = 0b11
CTLR_ARE = 1 << 4
CTLR_DS = 1 << 6

TYPER_IDBITS = (10 - 1) << 19
"""Ten INTID bits: as KVM without an ITS."""
TYPER_RSS = 1 << 26


class Distributor(InterruptFrame):
    """GICD, 64 KiB.

    `busy` has a bit for each bank in which an interrupt is ready to be sent, so that a CPU that
    looks for work need not look into the others.

    Args:
        spis: number of SPIs, a multiple of 32, at most 992.
        by_affinity: processor numbers by Aff2.Aff1.Aff0.
        cpus: the CPUs by processor number; filled by the owner.

    Raises:
        ValueError: for a number of SPIs that GICD_TYPER cannot say.
    """

    GICD_CTLR = Reg(0x0000)
    GICD_TYPER = Reg(0x0004, ro=ALL)
    GICD_IIDR = Reg(0x0008, reset=IIDR | REVISION, ro=ALL)
    GICD_TYPER2 = ignored(0x000C)
    GICD_STATUSR = ignored(0x0010)
    GICD_SETSPI_NSR = ignored(0x0040)
    GICD_CLRSPI_NSR = ignored(0x0048)
    GICD_SETSPI_SR = ignored(0x0050)
    GICD_CLRSPI_SR = ignored(0x0058)
    GICD_IGROUPR = banked(0x0080, "group", 32)
    GICD_ISENABLER = banked(0x0100, "enable", 32)
    GICD_ICENABLER = banked(0x0180, "disable", 32)
    GICD_ISPENDR = banked(0x0200, "pend", 32)
    GICD_ICPENDR = banked(0x0280, "unpend", 32)
    GICD_ISACTIVER = banked(0x0300, "activate", 32)
    GICD_ICACTIVER = banked(0x0380, "deactivate", 32)
    GICD_IPRIORITYR = banked(0x0400, "priority", 255)
    GICD_ITARGETSR = ignored(0x0800, 255)
    GICD_ICFGR = banked(0x0C00, "trigger", 64)
    GICD_IGRPMODR = ignored(0x0D00, 32)
    GICD_NSACR = ignored(0x0E00, 64)
    GICD_SGIR = ignored(0x0F00)
    GICD_CPENDSGIR = ignored(0x0F10, 4)
    GICD_SPENDSGIR = ignored(0x0F20, 4)
    GICD_IROUTER = Reg(0x6100, size=8, count=988, min_access=4)
    GICD_PIDR4 = ignored(0xFFD0, 4)
    GICD_PIDR0 = ignored(0xFFE0, 2)
    GICD_PIDR2 = Reg(0xFFE8, reset=PIDR2, ro=ALL)
    GICD_PIDR3 = ignored(0xFFEC)
    GICD_CIDR = ignored(0xFFF0, 4)

    STATE = ("groups", "banks", "routes")

    def __init__(
        self,
        spis: int,
        by_affinity: Mapping[int, int],
        cpus: Sequence[GicCpu],
    ) -> None:
        super().__init__()
        if spis % 32 or not 32 <= spis <= MAX_SPIS:
            raise ValueError(f"spis must be a multiple of 32 from 32 to {MAX_SPIS}, not {spis}")
        self.spis = spis
        self.groups = 0
        self.busy = 0
        self.banks = [Bank() for _ in range(spis // 32)]
        self.routes = Routes(spis, by_affinity)
        self._cpus = cpus
        self._by_affinity = by_affinity
        self._accessible: set[int] = set()
        self._used: set[int] = set()
        self._typer = spis // 32 | TYPER_IDBITS
        if any(affinity & 0xF0 for affinity in by_affinity):
            self._typer |= TYPER_RSS

    @property
    def has_range_selector(self) -> bool:
        """Whether an SGI may name Aff0 above 15: advertised only where a CPU has one."""
        return bool(self._typer & TYPER_RSS)

    def reset(self) -> None:
        """Registers to their reset values; input lines keep the levels of their devices."""
        super().reset()
        self.groups = self.busy = 0
        for bank in self.banks:
            bank.reset()
        self.routes.reset()

    def set_spi(self, intid: int, *, level: bool) -> None:
        """Drive the input line of an SPI.

        Raises:
            ValueError: for an INTID that is no implemented SPI.
        """
        n, number = divmod(intid - SPI_BASE, 32)
        if not 0 <= n < len(self.banks) or not self.implemented(n + 1) >> number & 1:
            raise ValueError(f"INTID {intid} is not an SPI of this GIC")
        if self.banks[n].set_line(1 << number, level=level):
            self.changed(n + 1, 1 << number)

    def candidate(self, cpu: int, groups: int) -> Candidate | None:
        """The most urgent SPI that would go to a CPU, as (priority, INTID)."""
        best: Candidate | None = None
        busy = self.busy
        while busy:
            n = (busy & -busy).bit_length() - 1
            busy &= busy - 1
            bank = self.banks[n]
            ready = bank.ready(groups)
            found = bank.first(ready & self.routes.mask(n, cpu, bank))
            if found is not None and (best is None or found[0] < best[0]):
                best = (found[0], found[1] + SPI_BASE + 32 * n)
        return best

    def bank(self, n: int) -> Bank | None:
        """Element 0 belongs to the redistributors (IHI 0069H §12.9: RAZ/WI with ARE)."""
        return self.banks[n - 1] if 0 < n <= len(self.banks) else None

    def implemented(self, n: int) -> int:
        """INTIDs 1020 to 1023 of the last possible bank do not exist."""
        return 0x0FFFFFFF if n == 31 else ALL

    def changed(self, n: int, mask: int) -> None:
        """Have the CPUs that SPIs of bank `n` are routed to look again."""
        if self.banks[n - 1].ready(BOTH_GROUPS):
            self.busy |= 1 << n - 1
        else:
            self.busy &= ~(1 << n - 1)
        self._update(self.routes.targets(n - 1, mask))

    # The CPUs: sets of numbers, so that those that are merely possible cost nothing

    def find(self, affinity: int) -> GicCpu | None:
        """The CPU of an affinity, if there is one."""
        index = self._by_affinity.get(affinity)
        return self._cpus[index] if index is not None else None

    def admit(self, cpu: GicCpu) -> None:
        """Note whether a CPU is accessible."""
        if cpu.accessible:
            self._accessible.add(cpu.index)
            self._used.add(cpu.index)
        else:
            self._accessible.discard(cpu.index)

    def accessible_cpus(self) -> Iterator[GicCpu]:
        """Those whose interface can be reached, by number."""
        return (self._cpus[index] for index in sorted(self._accessible))

    def note_redistributor(self, index: int) -> None:
        """One was written to: a reset has to undo that."""
        self._used.add(index)

    def note_use(self) -> None:
        """The distributor itself is reset in any case."""

    def take_used(self) -> list[GicCpu]:
        """The CPUs that are not, or may soon not be, as a reset leaves them."""
        used = sorted(self._used)
        self._used = set(self._accessible)
        return [self._cpus[index] for index in used]

    def _update(self, cpus: set[int]) -> None:
        for cpu in sorted(cpus):
            self._cpus[cpu].update()

    def participate(self, cpu: int, groups: int) -> None:
        """Have a CPU enter or leave the choice of one of N."""
        self._update(self.routes.participate(cpu, groups))

    @GICD_CTLR.read
    def _read_ctlr(self, _n: int) -> int:
        """RWP always reads 0: a write is complete when it returns."""
        return self.groups | CTLR_ARE | CTLR_DS

    @GICD_CTLR.write
    def _write_ctlr(self, _n: int, value: int) -> None:
        groups = value & CTLR_ENABLES
        if groups == self.groups:
            return
        self.groups = groups
        for cpu in self.accessible_cpus():
            cpu.update()

    @GICD_TYPER.read
    def _read_typer(self, _n: int) -> int:
        """CPUNumber is 0, as affinity routing cannot be disabled; no LPIs, no Aff3."""
        return self._typer

    @GICD_IROUTER.read
    def _read_irouter(self, n: int) -> int:
        return self.routes.irouter[n] if n < self.spis else 0

    @GICD_IROUTER.write
    def _write_irouter(self, n: int, value: int) -> None:
        if n >= self.spis:
            return
        bank, bit = n // 32, 1 << n % 32
        if not self.banks[bank].ready(BOTH_GROUPS) & bit:
            self.routes.route(n, value)  # as a driver does for all of them: nobody has it yet
            return
        concerned = self.routes.targets(bank, bit)
        self.routes.route(n, value)
        self._update(concerned | self.routes.targets(bank, bit))
