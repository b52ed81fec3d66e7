"""Machines to draw: any topology, any states."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from daemon.top.model import LOOKS, Cpu, CpuState, Snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

BY_LETTER = {look.letter: state for state, look in LOOKS.items()}


def machine(letters: str, *, nodes: Sequence[int] | None = None, **levels: int) -> Snapshot:
    """CPUs in these states, those of the innermost level next to each other; blanks are ignored."""
    places = product(*(range(count) for count in levels.values()))
    states = [BY_LETTER[letter] for letter in "".join(letters.split())]
    cpus = tuple(
        Cpu(
            index=n,
            place=tuple(zip(levels, place, strict=True)),
            node=nodes[n] if nodes else None,
            state=CpuState.ONLINE if state is CpuState.TROUBLED else state,
            trouble="eject request: busy" if state is CpuState.TROUBLED else "",
            name="" if state is CpuState.ABSENT else f"core{n}",
        )
        for n, (place, state) in enumerate(zip(places, states, strict=True))
    )
    return Snapshot(name="demo", version="QEMU 9.1.50", status="running", cpus=cpus)


@st.composite
def machines(draw: st.DrawFn) -> Snapshot:
    """Up to some hundred CPUs, each in any state."""
    count = st.integers(1, 6)
    levels = {unit: draw(count) for unit in ("socket", "die", "core", "thread")}
    total = 1
    for number in levels.values():
        total *= number
    runs = draw(st.lists(st.sampled_from([*BY_LETTER]), min_size=1, max_size=8))
    letters = "".join(letter * -(-total // len(runs)) for letter in runs)[:total]
    return machine(letters, nodes=None, **levels)
