"""The vGICv3 as a KVM device: how it is set up, in which order, and then the GIC itself.

Documentation/virt/kvm/devices/arm-vgic-v3.rst. The GIC's state for every vCPU that exists is
made at CTRL_INIT; nothing can be added later (the talk's T8, T10). User space reaches all of it
by numbered attributes, too: `machine.kvm.vgic_attr` has the numbers.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from machine.gicv3.gic import GicV3
from machine.kvm import vgic_attr
from machine.kvm.errors import KvmError

if TYPE_CHECKING:
    from machine.kvm.vm import Vm

SZ_64K = 0x1_0000
REDISTRIBUTOR_SIZE = 2 * SZ_64K
"""RD_base and SGI_base frames of one redistributor (IHI 0069H §12.10)."""
DEFAULT_IRQS = 256
PHYSICAL_ADDRESS_BITS = 48


@dataclass(frozen=True, slots=True)
class RedistRegion:
    """A stretch of `count` redistributors at a guest-physical address.

    The one region of old has a count of 0: as many as there are vCPUs.
    """

    MAX_COUNT: ClassVar = 0xFFF

    index: int
    base: int
    count: int

    @classmethod
    def decode(cls, value: int) -> RedistRegion:
        """Take apart KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION: count[63:52] base[51:16] index[11:0].

        Raises:
            KvmError: EINVAL for flags that are not zero, or no redistributors.
        """
        region = cls(value & 0xFFF, value & 0xF_FFFF_FFFF_0000, value >> 52)
        if value >> 12 & 0xF or region.count == 0:
            raise KvmError(errno.EINVAL, "KVM_DEV_ARM_VGIC_GRP_ADDR")
        return region

    def encode(self) -> int:
        """The value of the attribute for this region."""
        return self.count << 52 | self.base | self.index

    @property
    def end(self) -> int:
        """The first address behind the region."""
        return self.base + self.count * REDISTRIBUTOR_SIZE

    def overlaps(self, base: int, size: int) -> bool:
        """Whether it shares an address with another stretch."""
        return self.base < base + size and base < self.end


class Vgic:
    """KVM_DEV_TYPE_ARM_VGIC_V3."""

    def __init__(self, vm: Vm) -> None:
        self._vm = vm
        self.dist_base: int | None = None
        self.regions: list[RedistRegion] = []
        self.irqs: int | None = None
        self.gic: GicV3 | None = None
        self._mapped = False

    @property
    def initialized(self) -> bool:
        """Whether CTRL_INIT has been done."""
        return self.gic is not None

    def set_dist_address(self, base: int) -> None:
        """GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST.

        Raises:
            KvmError: EEXIST where it is set, EINVAL unless aligned to 64 KiB, E2BIG outside of
                the guest's physical addresses.
        """
        if self.dist_base is not None:
            raise KvmError(errno.EEXIST, "KVM_DEV_ARM_VGIC_GRP_ADDR")
        _check_range(base, SZ_64K)
        self.dist_base = base

    def set_redist_address(self, base: int) -> None:
        """GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST: one region for all, whatever their number.

        Raises:
            KvmError: EEXIST where it is set, EINVAL where there are regions of the newer kind, and
                unless aligned to 64 KiB and clear of the distributor, E2BIG outside of the guest's
                physical addresses.
        """
        if self.regions:
            legacy = not self.regions[0].count
            raise KvmError(errno.EEXIST if legacy else errno.EINVAL, "KVM_DEV_ARM_VGIC_GRP_ADDR")
        at = RedistRegion(0, base, len(self._vm.vcpus))
        if self.dist_base is not None and at.overlaps(self.dist_base, SZ_64K):
            raise KvmError(errno.EINVAL, "KVM_DEV_ARM_VGIC_GRP_ADDR")
        _check_range(base, at.end - base)
        self.regions.append(RedistRegion(0, base, 0))

    def add_redist_region(self, value: int) -> None:
        """GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION.

        Raises:
            KvmError: EINVAL for a malformed region, one out of turn, one that overlaps, and beside
                the one region of old, E2BIG outside of the guest's physical addresses, EBUSY once
                initialised.
        """
        region = RedistRegion.decode(value)
        if self.initialized:
            raise KvmError(errno.EBUSY, "KVM_DEV_ARM_VGIC_GRP_ADDR")
        size = region.end - region.base
        wrong = any(not other.count or other.overlaps(region.base, size) for other in self.regions)
        if region.index != len(self.regions) or wrong:
            raise KvmError(errno.EINVAL, "KVM_DEV_ARM_VGIC_GRP_ADDR")
        _check_range(region.base, size)
        self.regions.append(region)

    def set_nr_irqs(self, count: int) -> None:
        """GRP_NR_IRQS: SGIs, PPIs and SPIs together.

        Raises:
            KvmError: EINVAL unless 64 to 1024 in steps of 32, EBUSY where it is set.
        """
        if not 64 <= count <= 1024 or count % 32:
            raise KvmError(errno.EINVAL, "KVM_DEV_ARM_VGIC_GRP_NR_IRQS")
        if self.irqs is not None or self.initialized:
            raise KvmError(errno.EBUSY, "KVM_DEV_ARM_VGIC_GRP_NR_IRQS")
        self.irqs = count

    def init(self, *, accessible: bool = True) -> None:
        """GRP_CTRL, CTRL_INIT: build the GIC for every vCPU that exists. Twice is harmless.

        Args:
            accessible: whether the CPU interfaces can be reached; if not, each has to be opened.

        Raises:
            KvmError: ENODEV without vCPUs, ENXIO where addresses are missing or the regions do
                not hold a redistributor for each vCPU, EINVAL where two vCPUs have one MPIDR.
        """
        if self.initialized:
            return
        vcpus = self._vm.vcpus.values()
        if not vcpus:
            raise KvmError(errno.ENODEV, "KVM_DEV_ARM_VGIC_CTRL_INIT")
        if self.dist_base is None or self._room() < len(vcpus):
            raise KvmError(errno.ENXIO, "KVM_DEV_ARM_VGIC_CTRL_INIT")
        if not self._vm.settle_affinities():
            raise KvmError(errno.EINVAL, "KVM_DEV_ARM_VGIC_CTRL_INIT")
        self.irqs = self.irqs or DEFAULT_IRQS
        affinities = self._vm.affinities()
        self.gic = GicV3(affinities, spis=self.irqs - 32, accessible=accessible)
        for vcpu, gic_cpu in zip(vcpus, self.gic.cpus, strict=True):
            vcpu.gic = gic_cpu

    def map_resources(self) -> None:
        """Put the frames at their addresses; happens at the first run of a vCPU.

        Raises:
            KvmError: EBUSY without CTRL_INIT: a GICv3 is never initialised lazily; EINVAL where
                the distributor and a redistributor region overlap.
        """
        if self.gic is None or self.dist_base is None:
            raise KvmError(errno.EBUSY, "KVM_RUN")
        if self._mapped:
            return
        filled = self._fill()
        if any(region.overlaps(self.dist_base, SZ_64K) for region, _ in filled):
            raise KvmError(errno.EINVAL, "KVM_RUN")
        self._mapped = True
        bus = self._vm.io_bus
        bus.map("gicv3_dist", self.dist_base, SZ_64K, self.gic.distributor)
        bases = {region.base for region, _ in filled}
        for region, first in filled:
            device = self.gic.redistributor_region(
                first, region.count, last=region.end not in bases
            )
            name = f"gicv3_redist_region[{region.index}]"
            bus.map(name, region.base, device.size, device)

    def _room(self) -> int:
        """How many redistributors the regions hold."""
        limits = (region.count or len(self._vm.vcpus) for region in self.regions)
        return sum(limits)

    def _fill(self) -> list[tuple[RedistRegion, int]]:
        """The part of each region that has redistributors, and the number of the first one."""
        filled: list[tuple[RedistRegion, int]] = []
        first, count = 0, len(self._vm.vcpus)
        for region in self.regions:
            some = min(region.count or count, count - first)
            if some:
                filled.append((RedistRegion(region.index, region.base, some), first))
            first += some
        return filled

    def position(self, vcpu_id: int) -> int:
        """Which redistributor belongs to a vCPU: they follow the order of creation."""
        return self._vm.gic_cpu(self._vm.vcpus[vcpu_id]).index

    def redistributor_address(self, vcpu_id: int) -> int:
        """Guest-physical address of a vCPU's RD_base frame."""
        n = self.position(vcpu_id)
        for region in self.regions:
            if not region.count or n < region.count:
                return region.base + n * REDISTRIBUTOR_SIZE
            n -= region.count
        raise KvmError(errno.ENXIO, "redistributor")

    def check_idle(self, ioctl: str) -> None:
        """Make sure that no vCPU executes.

        Raises:
            KvmError: EBUSY where one does.
        """
        if self._vm.exits.executing:
            raise KvmError(errno.EBUSY, ioctl)

    # By number

    def set_attr(self, group: int, attr: int, value: int = 0) -> None:
        """KVM_SET_DEVICE_ATTR; see `machine.kvm.vgic_attr`."""
        vgic_attr.put(self._vm, self, group, attr, value)

    def get_attr(self, group: int, attr: int, value: int = 0) -> int:
        """KVM_GET_DEVICE_ATTR; `value` is what stands in the buffer before."""
        return vgic_attr.get(self._vm, self, group, attr, value)

    def has_attr(self, group: int, attr: int) -> bool:
        """KVM_HAS_DEVICE_ATTR."""
        return vgic_attr.has(self._vm, group, attr)


def _check_range(base: int, size: int) -> None:
    if base % SZ_64K:
        raise KvmError(errno.EINVAL, "KVM_DEV_ARM_VGIC_GRP_ADDR")
    if base + size > 1 << PHYSICAL_ADDRESS_BITS:
        raise KvmError(errno.E2BIG, "KVM_DEV_ARM_VGIC_GRP_ADDR")
