"""The registers that the distributor and the redistributors have in common.

GICD_ISENABLER<n> and GICR_ISENABLER0 do the same to different banks (IHI 0069H §12.9, §12.11).
`banked` declares one of them, `InterruptFrame` holds what they all do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.gicv3.bank import PRIORITY_MASK
from machine.register import MmioDevice, Reg

if TYPE_CHECKING:
    from machine.gicv3.bank import Bank
    from machine.register import RegisterMap

PRIORITY_MASK_4 = PRIORITY_MASK * 0x01010101

IIDR = 0x4B << 24 | 0x43B
"""GICR_IIDR, and GICD_IIDR but for its revision: product `K`, implementer Arm (JEP106 0x43B), as
KVM's vGIC."""

PIDR2 = 0x3B
"""GICD_PIDR2, GICR_PIDR2: architecture revision 3 in bits 7:4 (IHI 0069H §12.9)."""


def banked(offset: int, what: str, count: int = 1) -> Reg:
    """Declare an array of interrupt registers that `InterruptFrame` serves.

    Args:
        offset: of element 0, in bytes.
        what: the suffix of the frame's handlers, `read_<what>` and `write_<what>`.
        count: number of elements.
    """
    register = Reg(offset, count=count, min_access=1 if what == "priority" else 4)
    register.on_read = f"read_{what}"
    register.on_write = f"write_{what}"
    return register


def ignored(offset: int, count: int = 1) -> Reg:
    """Declare registers that read as zero and ignore writes (RAZ/WI)."""
    return Reg(offset, count=count, ro=0xFFFFFFFF, min_access=1)


def spread(mask: int) -> int:
    """Sixteen bits to the upper bits of sixteen 2-bit fields: GICD_ICFGR's form."""
    return int(f"{mask:b}", 4) << 1


def gather(value: int) -> int:
    """The inverse of `spread`; the lower bit of each field is RES0 (IHI 0069H §12.9)."""
    return sum((value >> 2 * n + 1 & 1) << n for n in range(16))


class InterruptFrame(MmioDevice):
    """Banked interrupt registers; `n` is the number of a register in its array.

    An access takes one register or, where that has them, its bytes or halves. Any other size or
    alignment is CONSTRAINED UNPREDICTABLE (IHI 0069H §12.1.3): it reads as zero, and is ignored
    when written, as KVM has it.
    """

    __slots__ = ()

    def read(self, offset: int, size: int) -> int:
        """Answer a load that a register supports; else 0."""
        if self._supported(self._readable, offset, size):
            return super().read(offset, size)
        self.stray_accesses += 1
        return 0

    def write(self, offset: int, size: int, value: int) -> None:
        """Take a store that a register supports."""
        if self._supported(self._writable, offset, size):
            super().write(offset, size, value)
        else:
            self.stray_accesses += 1

    @classmethod
    def register_at(cls, offset: int) -> tuple[Reg, int] | None:
        """The register, and the number of the element, that a 32-bit access would reach."""
        if offset % 4:
            return None
        return cls._readable.covering(offset) or cls._writable.covering(offset)

    def read_latch(self, n: int) -> int:
        """What is pending by an edge or by software, whatever the lines say."""
        return self._read_mask(n, "latch")

    def write_latch(self, n: int, value: int) -> None:
        """Replace it."""
        self._assign(n, "latch", 0xFFFFFFFF, value)

    def read_lines(self, n: int) -> int:
        """The levels of the input lines."""
        return self._read_mask(n, "level")

    def write_lines(self, n: int, value: int) -> None:
        """Replace them: no edge is seen in it."""
        self._assign(n, "level", 0xFFFFFFFF, value)

    @staticmethod
    def _supported(registers: RegisterMap, offset: int, size: int) -> bool:
        slot = registers.get(offset) or registers.covering(offset)
        if slot is None or offset % size:
            return False
        return slot[0].min_access <= size <= slot[0].size

    def bank(self, n: int) -> Bank | None:
        """The bank behind element `n` of a one-bit array, None where it is RAZ/WI."""
        raise NotImplementedError

    def implemented(self, _n: int) -> int:
        """The interrupts of bank `n` that exist."""
        return 0xFFFFFFFF

    def configurable(self, _n: int) -> int:
        """The interrupts of bank `n` whose trigger may be configured."""
        return 0xFFFFFFFF

    def changed(self, n: int, mask: int) -> None:
        """Interrupts of bank `n` changed: have the CPUs that they concern look again."""
        raise NotImplementedError

    def _read_mask(self, n: int, name: str) -> int:
        bank = self.bank(n)
        return 0 if bank is None else int(getattr(bank, name))

    def _assign(self, n: int, name: str, mask: int, value: int) -> None:
        """Give the interrupts of `mask` the bits of `value`."""
        bank = self.bank(n)
        if bank is None:
            return
        present = getattr(bank, name)
        mask &= self.implemented(n)
        setattr(bank, name, (present & ~mask) | (value & mask))
        self.changed(n, mask)

    def read_group(self, n: int) -> int:
        """GICD_IGROUPR, GICR_IGROUPR0 (IHI 0069H §12.9)."""
        return self._read_mask(n, "group")

    def write_group(self, n: int, value: int) -> None:
        """A set bit puts an interrupt into group 1."""
        self._assign(n, "group", 0xFFFFFFFF, value)

    def read_enabled(self, n: int) -> int:
        """GICD_ISENABLER and GICD_ICENABLER read alike (IHI 0069H §12.9)."""
        return self._read_mask(n, "enabled")

    def read_enable(self, n: int) -> int:
        """GICD_ISENABLER."""
        return self.read_enabled(n)

    def write_enable(self, n: int, value: int) -> None:
        """GICD_ISENABLER: a written 1 enables."""
        self._assign(n, "enabled", value, value)

    def read_disable(self, n: int) -> int:
        """GICD_ICENABLER."""
        return self.read_enabled(n)

    def write_disable(self, n: int, value: int) -> None:
        """GICD_ICENABLER: a written 1 disables."""
        self._assign(n, "enabled", value, 0)

    def read_pend(self, n: int) -> int:
        """GICD_ISPENDR (IHI 0069H §12.9)."""
        return self._read_mask(n, "pending")

    def write_pend(self, n: int, value: int) -> None:
        """GICD_ISPENDR: a written 1 latches, also for a level-sensitive interrupt."""
        self._assign(n, "latch", value, value)

    def read_unpend(self, n: int) -> int:
        """GICD_ICPENDR."""
        return self.read_pend(n)

    def write_unpend(self, n: int, value: int) -> None:
        """GICD_ICPENDR: clears the latch; a level that is high stays pending."""
        self._assign(n, "latch", value, 0)

    def read_activate(self, n: int) -> int:
        """GICD_ISACTIVER (IHI 0069H §12.9)."""
        return self._read_mask(n, "active")

    def write_activate(self, n: int, value: int) -> None:
        """GICD_ISACTIVER: a written 1 activates."""
        self._assign(n, "active", value, value)

    def read_deactivate(self, n: int) -> int:
        """GICD_ICACTIVER (IHI 0069H §12.9)."""
        return self._read_mask(n, "active")

    def write_deactivate(self, n: int, value: int) -> None:
        """GICD_ICACTIVER: a written 1 deactivates."""
        self._assign(n, "active", value, 0)

    def read_priority(self, n: int) -> int:
        """GICD_IPRIORITYR: the bytes of four interrupts (IHI 0069H §12.9)."""
        bank = self.bank(n // 8)
        if bank is None:
            return 0
        return bank.priority >> n % 8 * 32 & 0xFFFFFFFF

    def write_priority(self, n: int, value: int) -> None:
        """Bytes may be written alone; the three low bits are not implemented."""
        bank = self.bank(n // 8)
        at = n % 8 * 4
        exists = self.implemented(n // 8) >> at & 0xF
        if bank is None or not exists:
            return
        others = bank.priority & ~(0xFFFFFFFF << 8 * at)
        bank.priority = others | (value & PRIORITY_MASK_4) << 8 * at
        self.changed(n // 8, exists << at)

    def read_trigger(self, n: int) -> int:
        """GICD_ICFGR: sixteen interrupts of two bits each (IHI 0069H §12.9)."""
        return spread(self._read_mask(n // 2, "edge") >> n % 2 * 16 & 0xFFFF)

    def write_trigger(self, n: int, value: int) -> None:
        """A set upper bit makes an interrupt edge-triggered; SGIs always are."""
        shift = n % 2 * 16
        mask = 0xFFFF << shift & self.configurable(n // 2)
        self._assign(n // 2, "edge", mask, gather(value) << shift)
