"""A CPU model and some of its features, expanded to all of them (QEMU: target/arm/arm-qmp-cmds)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.cpu_features import DEFAULTS, LENGTH_NAMES, finalize, properties_of
from machine.cpu_models import CPU_MODELS
from machine.cpu_properties import check_features
from machine.errors import MachineError
from machine.qom.values import visit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from machine.cpu_models import CpuModel

ADVERTISED = (
    *("aarch64", "pmu", "sve", *LENGTH_NAMES),
    *("kvm-no-adjvtime", "kvm-steal-time", "pauth", "pauth-impdef"),
)
"""The features that are told, in the order in which they are asked about."""


def expand(
    name: str, given: Mapping[str, object], defaults: Mapping[str, object]
) -> dict[str, bool]:
    """Tell each feature of a CPU of a model.

    Args:
        name: the model's.
        given: features, as a client chose them.
        defaults: properties that every new CPU of the model has.

    Raises:
        MachineError: with QEMU's text, where there is no such CPU.
    """
    model = _find(name)
    values = {**DEFAULTS, **defaults, **_chosen(model, given)}
    values |= finalize(model, values)
    return {
        feature: bool(values[feature]) for feature in ADVERTISED if feature in properties_of(model)
    }


def _find(name: str) -> CpuModel:
    if name == "host":
        raise MachineError("The CPU type 'host' requires KVM")
    if name not in CPU_MODELS:
        raise MachineError(f"The CPU type '{name}' is not a recognized ARM CPU type")
    return CPU_MODELS[name]


def _chosen(model: CpuModel, given: Mapping[str, object]) -> dict[str, object]:
    """Check the features one by one, then that there is nothing else."""
    values: dict[str, object] = {}
    for feature in ADVERTISED:
        if feature not in given:
            continue
        if feature not in properties_of(model):
            raise MachineError(f"Property '{model.typename}.{feature}' not found")
        values[feature] = visit("bool", feature, given[feature])
        check_features(values)
    for name in given:
        if name not in ADVERTISED:
            raise MachineError(f"Parameter '{name}' is unexpected")
    return values
