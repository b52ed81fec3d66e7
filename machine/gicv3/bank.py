"""The state of 32 interrupts: one bit mask per property, and a byte of priority each.

The architecture lays its registers out in the same way (GICD_ISENABLER<n> holds 32 interrupts), so
that an access to a register is one operation on a mask (IHI 0069H §4.1.2: interrupt states).
"""

from __future__ import annotations

ALL = 0xFFFFFFFF
SGIS = 0x0000FFFF
"""The bits of the software generated interrupts in the bank of the private ones."""

PRIORITY_MASK = 0xF8
"""Five priority bits are implemented, the low three read as zero (IHI 0069H §4.8)."""

GROUP_0 = 1 << 0
GROUP_1 = 1 << 1
BOTH_GROUPS = GROUP_0 | GROUP_1

Candidate = tuple[int, int]
"""A pending interrupt as (priority, number): the smaller tuple is to be served first."""


class Bank:
    """Thirty-two interrupts.

    Attributes:
        group: 1 for group 1, 0 for group 0.
        enabled: forwarded to a CPU interface when pending.
        latch: pending by an edge, or by software (GICD_ISPENDR, an SGI).
        level: what the input line carries.
        active: acknowledged and not yet deactivated.
        edge: 1 for edge-triggered, 0 for level-sensitive.
        priority: one byte each, interrupt 0 in the lowest; the lower, the more urgent.
    """

    STATE = ("group", "enabled", "latch", "level", "active", "edge", "priority")
    __slots__ = STATE

    def __init__(self, *, enabled: int = 0, edge: int = 0) -> None:
        self.level = 0
        self.reset(enabled=enabled, edge=edge)

    def reset(self, *, enabled: int = 0, edge: int = 0) -> None:
        """Forget everything but the lines, which belong to the devices. All in group 1, as KVM."""
        self.group = ALL
        self.enabled = enabled
        self.latch = 0
        self.active = 0
        self.edge = edge
        self.priority = 0

    @property
    def pending(self) -> int:
        """What GICD_ISPENDR shows: the latch, and the lines of the level-sensitive ones."""
        return self.latch | (self.level & ~self.edge)

    def ready(self, groups: int) -> int:
        """The interrupts of these groups that may be sent to a CPU.

        An active one is not sent again before its deactivation (IHI 0069H §4.1.2).
        """
        ready = self.pending & self.enabled & ~self.active
        if groups == BOTH_GROUPS:
            return ready
        return ready & (self.group if groups == GROUP_1 else ~self.group)

    def first(self, mask: int) -> Candidate | None:
        """The most urgent interrupt of a mask; of equals, the lowest number."""
        best: Candidate | None = None
        while mask:
            number = (mask & -mask).bit_length() - 1
            mask &= mask - 1
            priority = self.priority >> 8 * number & 0xFF
            if best is None or priority < best[0]:
                best = (priority, number)
        return best

    def set_line(self, bit: int, *, level: bool) -> bool:
        """Drive one input; an edge-triggered one latches the rise.

        Returns:
            Whether the line changed.
        """
        if bool(self.level & bit) == level:
            return False
        self.level ^= bit
        if level:
            self.latch |= bit & self.edge
        return True

    def acknowledge(self, bit: int) -> None:
        """Pending becomes active; a level that stays high stays pending as well."""
        self.active |= bit
        self.latch &= ~bit
