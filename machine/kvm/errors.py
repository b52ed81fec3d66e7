"""How KVM refuses: with an errno, as its ioctls do."""

from __future__ import annotations

import os


class KvmError(OSError):
    """An ioctl that returned -1; `errno` says why (Documentation/virt/kvm/api.rst)."""

    def __init__(self, number: int, ioctl: str) -> None:
        super().__init__(number, f"{ioctl}: {os.strerror(number)}")
