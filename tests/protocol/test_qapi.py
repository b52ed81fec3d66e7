"""The wire models against replies and events that QEMU really sent."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from protocol.event import collect_events
from protocol.qapi import acpi, control, machine, machine_target, misc, qdev, qom, run_state

_FILE = Path(__file__).parents[1] / "data" / "wire" / "replies.jsonl"
RECORDED = [json.loads(line) for line in _FILE.read_text().strip().split("\n")]
REPLIES = [entry for entry in RECORDED if "command" in entry]
HAPPENED = [entry for entry in RECORDED if "event" in entry]
EVENTS = collect_events((acpi, qdev, run_state))

RETURNS: Mapping[str, Any] = {
    "query-version": control.VersionInfo,
    "query-status": run_state.StatusInfo,
    "query-machines": list[machine.MachineInfo],
    "query-target": machine.TargetInfo,
    "query-current-machine": machine.CurrentMachineParams,
    "query-cpu-definitions": list[machine_target.CpuDefinitionInfo],
    "query-kvm": machine.KvmInfo,
    "device-list-properties": list[qom.ObjectPropertyInfo],
    "qom-list": list[qom.ObjectPropertyInfo],
    "qom-list-types": list[qom.ObjectTypeInfo],
    "query-gic-capabilities": list[machine_target.GICCapability],
    "query-name": misc.NameInfo,
    "query-uuid": machine.UuidInfo,
    "query-memory-size-summary": machine.MemoryInfo,
    "query-cpus-fast": list[machine.CpuInfoFast],
    "query-hotpluggable-cpus": list[machine.HotpluggableCPU],
    "query-acpi-ospm-status": list[acpi.ACPIOSTInfo],
}


@pytest.mark.parametrize("entry", [pytest.param(e, id=e["command"]) for e in REPLIES])
def test_a_recorded_reply_fits_its_model(entry: dict[str, Any]) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(RETURNS[entry["command"]])
    reply = adapter.validate_python(entry["return"], by_alias=True, by_name=False)
    assert json.loads(adapter.dump_json(reply, by_alias=True, exclude_none=True)) == entry["return"]


@pytest.mark.parametrize("entry", [pytest.param(e, id=e["event"]) for e in HAPPENED])
def test_a_recorded_event_fits_its_model(entry: dict[str, Any]) -> None:
    event = EVENTS[entry["event"]].model_validate(entry["data"], by_alias=True, by_name=False)
    assert json.loads(event.model_dump_json(by_alias=True, exclude_none=True)) == entry["data"]
