r"""ACPI CPU hot-plug in AML: what the guest executes to find out which CPUs have come or must go.

The methods and their bytes are the reference's: `\_SB.PRES` has the registers, `\_SB.CPUS` the
methods CTFY CSTA CEJ0 CSCN COST and a device for each possible CPU.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.acpi import aml
from machine.acpi.cpu_hotplug import NEXT_WITH_EVENT, OST_EVENT, OST_STATUS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Protocol

    class _ForOne(Protocol):
        """Compiles something for a CPU, given its name, its number and its node."""

        def __call__(self, name: str, number: bytes, node: int | None) -> bytes: ...


_PRES = "\\_SB.PRES"
_CPUS = "\\_SB.CPUS"
_MAX_NEW = 255
"""How many insertions one pass of CSCN collects: what a Package's NumElements can say."""
_BLANK_NAME, _BLANK = "____", b"\xff"
"""What stands for a CPU's name and for each byte of its number; neither occurs otherwise."""


def _reg(name: str) -> bytes:
    return aml.name_string(f"{_PRES}.{name}")


def _set(name: str, value: aml.Data) -> bytes:
    return aml.store(value, f"{_PRES}.{name}")


def _locked(*terms: bytes) -> tuple[bytes, ...]:
    lock = f"{_PRES}.CPLK"
    return (aml.acquire(lock), *terms, aml.release(lock))


def describe(
    address: int,
    size: int,
    cpus: int,
    ged: str,
    nodes: Sequence[int] = (),
) -> bytes:
    """All of CPU hot-plug in AML, with the scan method that the device at `ged` calls.

    Args:
        address: guest-physical address of the register block.
        size: its size in bytes.
        cpus: number of possible CPUs.
        ged: path of the device.
        nodes: the NUMA node of each possible CPU, which becomes its _PXM; none without NUMA.
    """
    return aml.scope(
        "_SB",
        _controller(address, size),
        aml.device(
            _CPUS,
            aml.name("_HID", "ACPI0010"),
            aml.name("_CID", aml.eisaid("PNP0A05")),
            _notify(cpus),
            _status(),
            _eject(),
            _scan(cpus),
            _report(),
            *_for_each(range(1), _first_cpu, nodes),
            *_for_each(range(1, cpus), _later_cpu, nodes),
        ),
    ) + aml.method(f"{ged}.CSCN", 0, aml.call(f"{_CPUS}.CSCN"))


def _controller(address: int, size: int) -> bytes:
    """The register block as named fields."""
    memory, byte, word = (
        aml.RegionSpace.SystemMemory,
        aml.AccessType.ByteAcc,
        aml.AccessType.DWordAcc,
    )
    no_lock, zeros, keep = (
        aml.LockRule.NoLock,
        aml.UpdateRule.WriteAsZeros,
        aml.UpdateRule.Preserve,
    )
    bits = [aml.named_field(seg, 1) for seg in ("CPEN", "CINS", "CRMV", "CEJ0", "CEJF", "CPRS")]
    return aml.device(
        _PRES,
        aml.name("_HID", aml.eisaid("PNP0A06")),
        aml.name("_UID", "CPU Hotplug resources"),
        aml.mutex("CPLK"),
        aml.name("_CRS", aml.resource_template(aml.memory32_fixed(address, size))),
        aml.operation_region("PRST", memory, address, size),
        aml.field(
            "PRST",
            byte,
            no_lock,
            zeros,
            aml.offset(4),
            *bits,
            aml.offset(5),
            aml.named_field("CCMD", 8),
        ),
        aml.field(
            "PRST",
            word,
            no_lock,
            keep,
            aml.named_field("CSEL", 32),
            aml.offset(8),
            aml.named_field("CDAT", 32),
        ),
    )


def _notify(cpus: int) -> bytes:
    """CTFY(cpu, event): Notify the device with this number."""
    return aml.method("CTFY", 2, *_for_each(range(cpus), _notify_one))


def _notify_one(name: str, number: bytes, node: int | None) -> bytes:  # noqa: ARG001 - see _ForOne
    return aml.if_(aml.lequal(aml.arg0, number), aml.notify(name, aml.arg1))


def _status() -> bytes:
    """CSTA(cpu): 0xF when enabled, 0xD when present only, else 0."""
    result = aml.local0
    return aml.method(
        "CSTA",
        1,
        *_locked(
            _set("CSEL", aml.arg0),
            aml.store(aml.zero, result),
            aml.if_(
                aml.lequal(_reg("CPRS"), aml.one),
                aml.if_(aml.lequal(_reg("CPEN"), aml.one), aml.store(0xF, result)),
                aml.else_(aml.store(0xD, result)),
            ),
        ),
        aml.return_(result),
        serialized=True,
    )


def _eject() -> bytes:
    """CEJ0(cpu): eject."""
    return aml.method(
        "CEJ0",
        1,
        *_locked(_set("CSEL", aml.arg0), _set("CEJ0", aml.one)),
        serialized=True,
    )


def _report() -> bytes:
    """COST(cpu, event, status, ...): pass an _OST on."""
    return aml.method(
        "COST",
        4,
        *_locked(
            _set("CSEL", aml.arg0),
            _set("CCMD", OST_EVENT),
            _set("CDAT", aml.arg1),
            _set("CCMD", OST_STATUS),
            _set("CDAT", aml.arg2),
        ),
        serialized=True,
    )


def _scan(cpus: int) -> bytes:
    """CSCN: collect insertions, pass removals on at once, then pass the insertions on."""
    has_event, new, done, cpu, again = (
        aml.local0,
        aml.local1,
        aml.local2,
        aml.local3,
        aml.local4,
    )
    collect = aml.while_(
        aml.land(aml.lequal(has_event, aml.one), aml.lless(cpu, cpus)),
        aml.store(aml.zero, has_event),
        _set("CSEL", cpu),
        _set("CCMD", NEXT_WITH_EVENT),
        aml.if_(aml.lless(_reg("CDAT"), cpu), aml.break_),
        aml.if_(aml.lequal(new, _MAX_NEW), aml.store(aml.one, again), aml.break_),
        aml.store(_reg("CDAT"), cpu),
        aml.if_(
            aml.lequal(_reg("CINS"), aml.one),
            aml.store(cpu, aml.index(aml.name_string("CNEW"), new)),
            aml.increment(new),
            aml.store(aml.one, has_event),
        ),
        aml.elseif(
            aml.lequal(_reg("CRMV"), aml.one),
            aml.call("CTFY", cpu, 3),
            _set("CRMV", aml.one),
            aml.store(aml.one, has_event),
        ),
        aml.increment(cpu),
    )
    deliver = aml.while_(
        aml.lless(done, new),
        aml.store(aml.deref_of(aml.index(aml.name_string("CNEW"), done)), cpu),
        aml.call("CTFY", cpu, aml.one),
        aml.store(cpu, aml.debug),
        _set("CSEL", cpu),
        _set("CINS", aml.one),
        aml.increment(done),
    )
    return aml.method(
        "CSCN",
        0,
        *_locked(
            aml.name("CNEW", aml.package(count=_MAX_NEW)),
            aml.store(aml.zero, cpu),
            aml.store(aml.one, again),
            aml.while_(
                aml.lequal(again, aml.one),
                aml.store(aml.zero, again),
                aml.store(aml.one, has_event),
                aml.store(aml.zero, new),
                collect,
                aml.store(aml.zero, done),
                deliver,
            ),
        ),
        serialized=True,
    )


def _first_cpu(name: str, number: bytes, node: int | None) -> bytes:
    """The boot CPU has no _EJ0: it can't go."""
    return _cpu(name, number, node, eject=b"")


def _later_cpu(name: str, number: bytes, node: int | None) -> bytes:
    return _cpu(name, number, node, eject=aml.method("_EJ0", 1, aml.call("CEJ0", number)))


def _cpu(name: str, number: bytes, node: int | None, *, eject: bytes) -> bytes:
    """One possible CPU."""
    return aml.device(
        name,
        aml.name("_HID", "ACPI0007"),
        aml.name("_UID", number),
        aml.method("_STA", 0, aml.return_(aml.call("CSTA", number)), serialized=True),
        eject,
        aml.method(
            "_OST",
            3,
            aml.call("COST", number, aml.arg0, aml.arg1, aml.arg2),
            serialized=True,
        ),
        b"" if node is None else aml.name("_PXM", node),
    )


def _for_each(
    cpus: Iterable[int],
    compiled: _ForOne,
    nodes: Sequence[int] = (),
) -> Iterator[bytes]:
    """Compile something for each CPU, given its name, its number and its node.

    CPUs of one node whose numbers take equally many bytes differ in nothing else, so that one of
    each kind is compiled, with blanks in their places, and filled in for the others.
    """
    forms: dict[tuple[int, int | None], bytes] = {}
    for index in cpus:
        number = aml.integer(index)
        blank = _BLANK * len(number)
        kind = len(number), nodes[index] if nodes else None
        if kind not in forms:
            forms[kind] = compiled(_BLANK_NAME, blank, kind[1])
        named = forms[kind].replace(_BLANK_NAME.encode(), b"C%03X" % index)
        yield named.replace(blank, number)
