"""The whole GICv3: one distributor, and a redistributor and CPU interface per possible CPU.

All of them exist from the start: a vGIC cannot grow once it is initialised, so CPUs that are
plugged later have their place, and are merely not `accessible` (arm-vgic-v3: after init no vCPU
can be created).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.gicv3.cpu_interface import GicCpu
from machine.gicv3.distributor import Distributor
from machine.gicv3.redistributor import RedistributorRegion
from machine.gicv3.sysregs import SYSTEM_REGISTERS, UnknownRegister

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SYSTEM_REGISTERS", "GicCpu", "GicV3", "UnknownRegister"]


class GicV3:
    """A GICv3 with one security state and without LPIs.

    Args:
        affinities: Aff2.Aff1.Aff0 of each possible CPU; the position is the processor number.
        spis: number of shared interrupts, a multiple of 32.
        waker: whether the redistributors sleep until GICR_WAKER wakes them. KVM's do not, and
            software that was written for KVM alone (kvm-unit-tests) relies on that.
        accessible: whether the CPU interfaces can be reached from the start.

    Raises:
        ValueError: for two CPUs of one affinity, or a number of SPIs that cannot be.
    """

    def __init__(
        self,
        affinities: Sequence[int],
        *,
        spis: int = 256,
        waker: bool = True,
        accessible: bool = True,
    ) -> None:
        by_affinity = {affinity: index for index, affinity in enumerate(affinities)}
        if len(by_affinity) != len(affinities):
            raise ValueError("two CPUs of one affinity")
        self.cpus: list[GicCpu] = []
        self.distributor = Distributor(spis, by_affinity, self.cpus)
        for affinity, index in by_affinity.items():
            cpu = GicCpu(index, affinity, self.distributor, waker=waker)
            cpu.accessible = accessible
            self.cpus.append(cpu)

    def redistributor_region(
        self,
        first: int,
        count: int,
        *,
        last: bool = True,
    ) -> RedistributorRegion:
        """The redistributors of some CPUs as one device of `count` * 0x20000 bytes.

        Args:
            first: processor number of the first.
            count: how many.
            last: whether GICR_TYPER.Last ends the region; not so where the next one is contiguous.

        Raises:
            ValueError: where there are not that many CPUs.
        """
        cpus = self.cpus[first : first + count]
        if not cpus or len(cpus) != count:
            raise ValueError(f"no {count} redistributors from number {first} on")
        return RedistributorRegion([cpu.redistributor for cpu in cpus], last=last)

    def set_spi(self, intid: int, level: bool) -> None:  # noqa: FBT001 - a level is a boolean
        """Drive the input line of an SPI: an edge latches on its rise, a level follows."""
        self.distributor.set_spi(intid, level=level)

    def set_ppi(self, index: int, intid: int, level: bool) -> None:  # noqa: FBT001 - as above
        """Drive the input line of a PPI (16 to 31) of the CPU with that processor number."""
        self.cpus[index].redistributor.set_ppi(intid, level=level)

    def reset(self) -> None:
        """Reset everything but what is outside: input levels, and which CPUs are accessible.

        A CPU that nobody has used since the last reset needs none.
        """
        self.distributor.reset()
        used = self.distributor.take_used()
        for cpu in used:
            cpu.redistributor.reset()
        for cpu in used:
            cpu.reset_interface()
