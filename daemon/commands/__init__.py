"""QMP commands, one module for each of QEMU's QAPI modules, and one for our own."""

from daemon.commands import (
    acpi,
    char,
    clock,
    control,
    faults,
    fds,
    guest,
    machine,
    machine_target,
    misc,
    numa,
    objects,
    options,
    qdev,
    qom,
    run_state,
    vcpus,
)
from protocol import capabilities
from protocol.command import CommandTable, collect
from protocol.event import EventTable, collect_events
from protocol.qapi import acpi as acpi_models
from protocol.qapi import misc as misc_models
from protocol.qapi import qdev as qdev_models
from protocol.qapi import run_state as run_state_models
from protocol.qapi import vcpus as vcpus_models

COMMANDS: CommandTable = collect(
    (
        capabilities,
        control,
        run_state,
        machine,
        machine_target,
        numa,
        misc,
        options,
        fds,
        char,
        qom,
        objects,
        qdev,
        acpi,
        vcpus,
        guest,
        faults,
        clock,
    ),
)
EVENTS: EventTable = collect_events(
    (acpi_models, qdev_models, run_state_models, misc_models, vcpus_models),
)
