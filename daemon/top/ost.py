"""The guest's reports by `_OST`, in words (ACPI 6.5 §6.3.5)."""

from __future__ import annotations

DEVICE_CHECK, EJECT_REQUEST, EJECTION, INSERTION = 1, 3, 0x103, 0x200
IN_PROGRESS = 0x84
"""Of an eject request."""

_SOURCES = {
    DEVICE_CHECK: "device check",
    EJECT_REQUEST: "eject request",
    0x100: "shutdown",
    EJECTION: "ejection by the guest",
    INSERTION: "insertion",
}
_COMMON = {0: "success", 1: "failure", 2: "unrecognised notification"}
_EJECT = {
    0x80: "not supported",
    0x81: "in use",
    0x82: "busy",
    0x83: "a dependency is busy",
    IN_PROGRESS: "in progress",
}
_INSERT = {0x80: "in progress", 0x81: "driver load failure", 0x82: "not supported"}
_STATUSES = {
    DEVICE_CHECK: _INSERT,
    INSERTION: _INSERT,
    EJECT_REQUEST: _EJECT,
    EJECTION: _EJECT,
}


def in_words(source: int, status: int) -> str:
    """A report; empty for the zeros of a slot on which there was none."""
    if source == 0:
        return ""
    statuses = _COMMON | _STATUSES.get(source, {})
    told = statuses.get(status, f"status {status:#x}")
    return f"{_SOURCES.get(source, f'source {source:#x}')}: {told}"


def failed(source: int, status: int) -> bool:
    """Whether it reports a failure: neither success nor something that goes on."""
    return source != 0 and status != 0 and not in_words(source, status).endswith("in progress")
