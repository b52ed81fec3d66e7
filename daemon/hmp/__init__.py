"""The human monitor: a few `info` commands in QEMU's text forms; every line ends in CRLF."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daemon.translate import instance_properties

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from daemon.context import Context


def _cpus(context: Context) -> Iterator[str]:
    for n, (slot, _cpu) in enumerate(context.machine.cpus()):
        yield f"{'*' if n == 0 else ' '} CPU #{slot.index}: thread_id={context.thread_id}"


def _hotpluggable_cpus(context: Context) -> Iterator[str]:
    machine = context.machine
    yield "Hotpluggable CPUs:"
    for slot in reversed(machine.hotpluggable_slots()):
        yield f'  type: "{machine.cpu_typename}"'
        yield '  vcpus_count: "1"'
        if slot.cpu is not None:
            yield f'  qom_path: "{slot.cpu.path}"'
        yield "  CPUInstance Properties:"
        props = instance_properties(slot)
        for level in ("socket", "cluster", "core", "thread"):
            yield f'    {level}-id: "{getattr(props, f"{level}_id")}"'


def _status(context: Context) -> Iterator[str]:
    state = context.machine.run_state.value
    yield f"VM status: {'running' if context.machine.running else f'paused ({state})'}"


def _numa(_context: Context) -> Iterator[str]:
    yield "0 nodes"


INFO: Mapping[str, Callable[[Context], Iterator[str]]] = {
    "cpus": _cpus,
    "hotpluggable-cpus": _hotpluggable_cpus,
    "numa": _numa,
    "status": _status,
}


def human_monitor(context: Context, line: str) -> str:
    """Execute one line; errors are text, too."""
    words = line.split()
    if not words:
        return ""
    lines = INFO.get(words[1]) if words[0] == "info" and len(words) == 2 else None
    if lines is None:
        unknown = " ".join(words[:2]) if words[0] == "info" else words[0]
        return f"unknown command: '{unknown}'\r\n"
    return "".join(f"{text}\r\n" for text in lines(context))
