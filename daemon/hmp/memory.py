"""Memory and numbers, printed in a debugger's manner.

`x` shows virtual and `xp` physical memory; they are the same here, because the guest runs with its
MMU off. What is read is RAM, or a device's registers as the guest would read them, side effects
included, as in QEMU; the GIC's are in the kernel, out of reach.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from daemon.hmp.command import hmp
from protocol.errors import QmpError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from daemon.hmp.arguments import Format
    from daemon.hmp.monitor import HumanMonitor
    from machine.virt import VirtMachine

MOST_BYTES = 64 << 10
"""What one command may print, so that nobody else waits for long."""

MOST_WIDE = 4
"""Bytes of one access to a device's registers."""

_ADDRESSES = 1 << 64
_ESCAPES = {"'": "\\'", "\\": "\\\\", "\n": "\\n", "\r": "\\r"}


def character(value: int) -> str:
    """A character, which is a C int, in quotes; escaped if need be."""
    value %= 1 << 32
    sign = chr(value) if value < 0x7F else ""
    if sign in _ESCAPES:
        return f"'{_ESCAPES[sign]}'"
    return f"'{sign}'" if sign and sign.isprintable() else f"'\\x{value:02x}'"


def octal(value: int) -> str:
    """A number in octal, with C's leading 0."""
    return f"0{value:o}" if value else "0"


def hexadecimal(value: int) -> str:
    """A number in hexadecimal, with C's leading 0x, which its 0 has not."""
    return f"{value:#x}" if value else "0"


_PRINT: Mapping[str, Callable[[int], str]] = {
    "o": octal,
    "x": hexadecimal,
    "u": str,
    "c": character,
}


@hmp(
    "print|p",
    args="fmt:/,val:l",
    params="/fmt expr",
    help="print expression value (use $reg for CPU register access)",
)
def print_(_monitor: HumanMonitor, fmt: Format, val: int) -> Iterator[str]:
    """Print the value of an expression."""
    if fmt.letter in _PRINT:
        yield _PRINT[fmt.letter](val % _ADDRESSES)
    else:
        yield str(val)


@hmp(
    "x",
    args="fmt:/,addr:l",
    params="/fmt addr",
    help="virtual memory dump starting at 'addr'",
)
def x(monitor: HumanMonitor, fmt: Format, addr: int) -> Iterator[str]:
    """Print memory at a virtual address."""
    return dump(monitor.machine, addr % _ADDRESSES, fmt)


@hmp(
    "xp",
    args="fmt:/,addr:l",
    params="/fmt addr",
    help="physical memory dump starting at 'addr'",
)
def xp(monitor: HumanMonitor, fmt: Format, addr: int) -> Iterator[str]:
    """Print memory at a physical address."""
    return dump(monitor.machine, addr % _ADDRESSES, fmt)


def dump(machine: VirtMachine, address: int, fmt: Format) -> Iterator[str]:
    """Print memory, up to where there is none.

    Raises:
        QmpError: after as much as one command may print.
    """
    if fmt.letter == "i":
        yield f"0x{address:08x}: Asm output not supported on this arch"
        return
    left, width = fmt.count * fmt.size, 8 if fmt.size == 1 else 16
    end = address + MOST_BYTES
    while left:
        if address >= end:
            raise QmpError(f"more than {MOST_BYTES} bytes cannot be printed at once")
        data = peek(machine, address, min(left, width))
        if data is None:
            yield f"{address % _ADDRESSES:016x}: Cannot access memory"
            return
        yield f"{address:016x}: {' '.join(_items(data, fmt))}"
        address += len(data)
        left -= len(data)


def _items(data: bytes, fmt: Format) -> Iterator[str]:
    size = 1 if fmt.letter == "c" else fmt.size
    for at in range(0, len(data), size):
        yield _item(int.from_bytes(data[at : at + size], "little"), fmt.letter, size * 8)


def _item(value: int, letter: str, bits: int) -> str:
    """One value, as wide as the widest of its size."""
    match letter:
        case "c":
            return character(value)
        case "o":
            return octal(value).rjust(-(-bits // 3))
        case "x":
            return f"0x{value:0{bits // 4}x}"
        case "d" if value >> 63:  # only the widest are signed
            value -= _ADDRESSES
    return str(value).rjust(-(-bits * 10 // 33))


def peek(machine: VirtMachine, address: int, size: int) -> bytes | None:
    """Read physical memory; None where not all of it is there."""
    if machine.ram.contains(address, size):
        return machine.ram.read_bytes(address, size)
    read = b""
    while len(read) < size:
        at = address + len(read)
        wide = _access(at, size - len(read))
        region = machine.bus.find(at)
        if region is None or at + wide > region.end:
            return None
        read += machine.bus.read(at, wide).to_bytes(wide, "little")
    return read


def _access(address: int, size: int) -> int:
    """The widest aligned access that begins at an address."""
    wide = MOST_WIDE
    while wide > size or address % wide:
        wide //= 2
    return wide
