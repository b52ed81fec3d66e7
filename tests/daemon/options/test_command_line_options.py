"""query-command-line-options: as QEMU names and types what we take."""

from __future__ import annotations

from typing import Any

import pytest

from daemon.options.table import GROUPS, OPTIONS
from tests.box import Box

QEMU: dict[str, dict[str, str]] = {
    "machine": {
        "type": "string",
        "accel": "string",
        "usb": "boolean",
        "mem-merge": "boolean",
        "dump-guest-core": "boolean",
        "suppress-vmdesc": "boolean",
    },
    "smp-opts": dict.fromkeys(
        ("cpus", "maxcpus", "sockets", "dies", "clusters", "cores", "threads"), "number"
    ),
    "memory": {"size": "size"},
    "name": {"guest": "string", "process": "string", "debug-threads": "boolean"},
    "numa": {},
    "accel": {},
    "action": dict.fromkeys(("reboot", "shutdown", "panic", "watchdog"), "string"),
    "rtc": {"base": "string", "clock": "string", "driftfix": "string"},
    "device": {},
    "object": {},
    "mon": {"chardev": "string", "mode": "string", "pretty": "boolean"},
    "chardev": {
        "backend": "string",
        "path": "string",
        "host": "string",
        "port": "string",
        "fd": "string",
        "server": "boolean",
        "wait": "boolean",
        "reconnect": "number",
        "nodelay": "boolean",
        "delay": "boolean",
        "ipv4": "boolean",
        "ipv6": "boolean",
        "to": "number",
        "tls-creds": "string",
        "tls-authz": "string",
        "signal": "boolean",
        "mux": "boolean",
        "append": "boolean",
        "input-path": "string",
    },
}
"""What QEMU 7.2 answers on this machine, of the options that we have."""


@pytest.fixture
def listed() -> dict[str, Any]:
    """The answer, by option."""
    box = Box()
    answer = box.returned("query-command-line-options")
    box.close()
    return {entry["option"]: entry["parameters"] for entry in answer}


def test_options_have_qemus_names(listed: dict[str, Any]) -> None:
    assert set(listed) == set(QEMU) == set(GROUPS)


@pytest.mark.parametrize("option", QEMU)
def test_parameters_have_qemus_names_and_types(listed: dict[str, Any], option: str) -> None:
    shown = {entry["name"]: entry["type"] for entry in listed[option]}
    assert {name: shown.get(name) for name in QEMU[option]} == QEMU[option]


def test_options_that_take_anything_show_no_parameters(listed: dict[str, Any]) -> None:
    assert listed["device"] == listed["object"] == listed["accel"] == []


def test_the_help_shows_every_parameter_that_is_not_refused_or_a_mere_switch() -> None:
    usage = {option.group.name: option.argument for option in OPTIONS if option.group}
    for name in ("smp-opts", "memory", "name", "mon", "action"):
        for parameter in GROUPS[name].parameters:
            assert parameter.name in usage[name]
