"""What the guest is like: which kernel, who onlines CPUs, how fast; and what it is made to do.

Plain data that the board hands over with the image, as a disk and a command line would carry it.
Latencies are those that a Linux guest has shown (Debian 6.12, medians), at speed 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import NamedTuple, Protocol

MS = 1_000_000
"""Nanoseconds in a millisecond."""


class KernelKind(Enum):
    """Which kernel boots.

    Since Linux 6.11 arm64 follows _STA's enabled bit; before, a GICC that is not enabled at boot
    does not exist, and nothing is done about a Notify. A kernel without a GED driver is deaf.
    """

    HOTPLUG = "hotplug"
    NO_HOTPLUG = "no-hotplug"
    NO_GED = "no-ged"


class OnlinePolicy(Enum):
    """Who onlines a CPU that was enabled: the kernel before it reports, udev's rule, nobody."""

    KERNEL = "kernel"
    UDEV = "udev"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a guest is like.

    Attributes:
        kernel: which one boots; a change counts from the next boot on.
        online: who onlines CPUs.
        online_delay: ns that udev takes besides its latency.
        isolated: logical CPUs that can't be offlined (isolcpus=).
        load: how busy the guest is with something else, 0 to below 1: latencies grow by 1/(1-load).
        speed: how many times as fast as a Linux guest under TCG; None for no latency at all.
        boot_time: ns from the kernel's first instruction until its drivers are there.

    Raises:
        ValueError: a number is out of its range; the text begins with the field's name.
    """

    kernel: KernelKind = KernelKind.HOTPLUG
    online: OnlinePolicy = OnlinePolicy.UDEV
    online_delay: int = 0
    isolated: frozenset[int] = frozenset()
    load: float = 0.0
    speed: float | None = None
    boot_time: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.load < 1:
            raise ValueError("load expects a number from 0 to below 1")
        if self.speed is not None and not 0 < self.speed < inf:
            raise ValueError("speed expects a positive number")
        for name in ("online_delay", "boot_time"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} expects a number that is not negative")
        if any(number < 0 for number in self.isolated):
            raise ValueError("isolated expects numbers of CPUs")

    def takes(self, latency: int) -> int:
        """How long something takes this guest that takes `latency` ns at speed 1, without load."""
        if self.speed is None:
            return 0
        return round(latency / self.speed / (1 - self.load))


class Decision(Protocol):
    """What is to come of something, and after how many ns."""

    @property
    def outcome(self) -> str:
        """What."""

    @property
    def delay(self) -> int:
        """Nanoseconds before it."""


class Will(Protocol):
    """What the guest is like, and what it is made to do: asked, never told anything."""

    @property
    def behaviour(self) -> Behaviour:
        """What it is like now."""

    def decide(self, event: str, mpidr: int | None = None) -> Decision:
        """What is to come of an event, on the CPU with this affinity if it is about one."""


class Accepted(NamedTuple):
    """What happens anyway, at once."""

    outcome: str = "accept"
    delay: int = 0


ACCEPTED = Accepted()


class Obedient:
    """A guest that nobody has made to do anything."""

    behaviour = Behaviour()

    def decide(self, event: str, mpidr: int | None = None) -> Decision:
        """Whatever it is, it goes as ever."""
        del event, mpidr
        return ACCEPTED
