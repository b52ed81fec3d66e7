"""The kernel image: code at addresses, so that CPU_ON can name an entry point.

The boot CPU enters at the image's first byte with the device tree in x0
(Documentation/arch/arm64/booting.rst); secondaries enter one page further on, and a system that
has slept goes on yet a page further.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from machine.guest.behaviour import Will
    from machine.guest.kernel import Kernel, Observer
    from machine.guest.platform import Platform, Thread

SECONDARY_OFFSET, RESUME_OFFSET = 0x1000, 0x2000


class Image:
    """One load of the kernel at `base`; there is no kernel before its first instruction."""

    def __init__(
        self, base: int, observer: Observer | None = None, will: Will | None = None
    ) -> None:
        self.base = base
        self.kernel: Kernel | None = None
        self._observer = observer
        self._will = will

    def enter(self, platform: Platform, pc: int, x0: int) -> Thread:
        """Begin to execute at `pc` on a CPU.

        Raises:
            LookupError: where there is no code at `pc`.
        """
        if pc == self.base:
            # A machine that is not to run yet (-S) starts without all of the guest's modules.
            from machine.guest.kernel import Kernel  # noqa: PLC0415 - see above

            self.kernel = Kernel(platform)
            self.kernel.observer = self._observer
            if self._will is not None:
                self.kernel.will = self._will
            return self.kernel.start(
                x0,
                secondary_entry=self.base + SECONDARY_OFFSET,
                resume_entry=self.base + RESUME_OFFSET,
            )
        if self.kernel is not None and pc == self.base + SECONDARY_OFFSET:
            return self.kernel.secondary_start(platform, x0)
        if self.kernel is not None and pc == self.base + RESUME_OFFSET:
            return self.kernel.resume(platform, x0)
        raise LookupError(f"no code at {pc:#x}")
