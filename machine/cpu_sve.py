"""Which vector lengths a CPU with SVE has: what its model supports, and what the user chose.

QEMU docs/system/arm/cpu-features (SVE CPU properties): a length that is not named follows from
those that are. The architecture demands every power of two below the largest one (DDI 0487,
ZCR_EL1.LEN). Lengths are counted in quadwords of 128 bits, and named `sve128` to `sve2048` in bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from machine.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

QUADWORD = 128
"""Bits."""
MOST = 16
LENGTHS = range(1, MOST + 1)
POWERS = (1, 2, 4, 8, 16)


def name_of(length: int) -> str:
    """The property of a length."""
    return f"sve{length * QUADWORD}"


@dataclass(frozen=True, slots=True)
class SveChoice:
    """What the user said.

    Attributes:
        enabled: whether there is to be SVE.
        lengths: those that were named, and whether each is to be there.
        most: `sve-max-vq`, the largest one; 0 where it was not given.
    """

    enabled: bool
    lengths: Mapping[int, bool]
    most: int


def resolve(supported: Collection[int], choice: SveChoice) -> frozenset[int]:
    """Complete the choice; the lengths that there are, none without SVE.

    Args:
        supported: the lengths of the CPU model.
        choice: what the user said.

    Raises:
        MachineError: with QEMU's text, where there is no such set.
    """
    found = _named(choice)
    if not found and not choice.most:
        if not choice.enabled:
            return frozenset()
        found = _below_what_is_off(supported, choice)
    if choice.most:
        found |= _up_to_most(choice)
    _check(found, supported)
    if not choice.enabled:
        raise MachineError(f"cannot enable {name_of(max(found))}")
    return frozenset(found)


def _named(choice: SveChoice) -> set[int]:
    """The lengths that are to be there, and the powers of two that these need."""
    named = {length for length, on in choice.lengths.items() if on}
    if not named:
        return named
    largest = max(named)
    if choice.most and largest > choice.most:
        raise MachineError(f"cannot enable {name_of(largest)}")
    return named | {power for power in POWERS if power < largest and power not in choice.lengths}


def _below_what_is_off(supported: Collection[int], choice: SveChoice) -> set[int]:
    """Only lengths that are not to be there were named: a power of two takes all above with it."""
    limit = next((power for power in POWERS if power in choice.lengths), MOST + 1)
    found = {length for length in supported if length < limit and length not in choice.lengths}
    if not found:
        raise MachineError(f"cannot disable {name_of(limit)}")
    return found


def _up_to_most(choice: SveChoice) -> set[int]:
    """All lengths up to the largest one, but for those that are not to be there."""
    if choice.lengths.get(choice.most) is False:
        raise MachineError(f"cannot disable {name_of(choice.most)}")
    return {length for length in LENGTHS if length <= choice.most and length not in choice.lengths}


def _check(found: Collection[int], supported: Collection[int]) -> None:
    """Refuse what the model does not support, and a power of two that is missing."""
    foreign = [length for length in found if length not in supported]
    if foreign:
        raise MachineError(f"cannot enable {name_of(max(foreign))}")
    missing = [power for power in POWERS if power <= max(found) and power not in found]
    if missing:
        raise MachineError(f"cannot disable {name_of(max(missing))}")
