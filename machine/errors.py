"""What a machine refuses, in QEMU's words: the text is what a client gets to read."""

from __future__ import annotations


class MachineError(Exception):
    """A request that cannot be met; nothing was changed."""


class DeviceNotFoundError(MachineError):
    """No device, path or type of that name."""
