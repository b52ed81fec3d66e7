"""What the CPUs of a model can be given or denied, beyond what every CPU has.

The properties that only some models have, and what a CPU's properties mean together: what follows
from those that were set, and what can't be (QEMU: target/arm/cpu64, arm_cpu_finalize_features).
"""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from machine import cpu_sve
from machine.cpu_properties import CPU_PROPERTIES, CpuProperty, CpuView
from machine.errors import MachineError
from machine.qdev_values import parse_bool, parse_uint32

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from machine.cpu_models import CpuModel

DEFAULTS: Mapping[str, bool] = MappingProxyType(
    {"aarch64": True, "pmu": True, "pauth": True, "pauth-impdef": False},
)
"""What holds of the features that depend on no other one, where nobody says anything."""

LENGTH_NAMES = {cpu_sve.name_of(length): length for length in cpu_sve.LENGTHS}
SME_NAMES = tuple(f"sme{cpu_sve.QUADWORD * length}" for length in cpu_sve.POWERS)
"""The streaming vector lengths, from the shortest on: powers of two."""


def _feature(name: str, default: object = None) -> CpuProperty:
    """A property that `finalize` has given its value when the CPU was realized."""

    def get(view: CpuView) -> object:
        return view.cpu.properties.get(name, default)

    return CpuProperty(name, "bool", get, parse_bool, default=default)


def _parse_max_vq(name: str, text: str) -> int:
    """`sve-max-vq`, in quadwords.

    Raises:
        MachineError: for what is no number, or no length.
    """
    value = parse_uint32(name, text)
    if value not in cpu_sve.LENGTHS:
        raise MachineError("unsupported SVE vector length")
    return value


_PAUTH = (_feature("pauth", DEFAULTS["pauth"]), _feature("pauth-impdef", DEFAULTS["pauth-impdef"]))
_SVE = (_feature("sve"), *(_feature(name) for name in LENGTH_NAMES))
_MAX = (
    CpuProperty(
        "sve-max-vq", "uint32", lambda view: view.cpu.properties["sve-max-vq"], _parse_max_vq
    ),
    *(_feature(name) for name in ("sme", "sme_fa64", *SME_NAMES)),
    _feature("lpa2", default=True),
)


def _own(model: CpuModel) -> Iterator[CpuProperty]:
    if model.pauth:
        yield from _PAUTH
    if model.vector_lengths:
        yield from _SVE
    if model.is_max:
        yield from _MAX


@lru_cache
def properties_of(model: CpuModel) -> Mapping[str, CpuProperty]:
    """All properties of a model's CPUs, by name, in the order of the lists."""
    every = (*CPU_PROPERTIES, *_own(model))
    return MappingProxyType(
        {entry.name: entry for entry in every if model.cbar or entry.name != "reset-cbar"}
    )


def finalize(model: CpuModel, given: Mapping[str, object]) -> dict[str, object]:
    """What follows from the properties that were set: the features that they leave undecided.

    Raises:
        MachineError: with QEMU's text, where they do not go together.
    """
    found: dict[str, object] = {}
    if model.vector_lengths:
        found |= _vectors(model, given)
    if model.is_max:
        found |= _streaming(given)
    if model.pauth and given.get("pauth-impdef") and given.get("pauth") is False:
        raise MachineError("cannot enable pauth-impdef without pauth")
    return found


def _vectors(model: CpuModel, given: Mapping[str, object]) -> dict[str, object]:
    most = given.get("sve-max-vq", 0)
    choice = cpu_sve.SveChoice(
        enabled=given.get("sve") is not False,
        lengths={
            length: bool(given[name]) for name, length in LENGTH_NAMES.items() if name in given
        },
        most=most if isinstance(most, int) else 0,
    )
    lengths = cpu_sve.resolve(model.vector_lengths, choice)
    found: dict[str, object] = {name: length in lengths for name, length in LENGTH_NAMES.items()}
    found["sve"] = choice.enabled
    if model.is_max:
        found["sve-max-vq"] = max(lengths, default=0)
    return found


def _streaming(given: Mapping[str, object]) -> dict[str, object]:
    """SME: the lengths that were named, or all but those that were denied."""
    enabled = given.get("sme") is not False
    found = [name for name in SME_NAMES if given.get(name)]
    if found and not enabled:
        raise MachineError(f"cannot enable {found[-1]}")
    if enabled and not found:
        found = [name for name in SME_NAMES if name not in given]
        if not found:
            raise MachineError(f"cannot disable {SME_NAMES[0]}")
    told: dict[str, object] = {name: name in found for name in SME_NAMES}
    return {**told, "sme": enabled, "sme_fa64": enabled and given.get("sme_fa64") is not False}


def check_realize(given: Mapping[str, object]) -> None:
    """Refuse a CPU that can't be, whatever its model.

    Raises:
        MachineError: with QEMU's text.
    """
    if given.get("vfp", True) is not given.get("neon", True):
        raise MachineError("AArch64 CPUs must have both VFP and Neon or neither")
