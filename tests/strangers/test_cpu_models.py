"""QEMU itself: how it expands CPU models, and what it says to `-cpu`, is what we say."""

from __future__ import annotations

import json
import shutil
import subprocess
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from daemon.options.table import UsageError, parse
from machine.cpu_models import CPU_MODELS
from machine.errors import MachineError
from machine.virt import VirtMachine
from tests.box import Box

if TYPE_CHECKING:
    from collections.abc import Iterator

QEMU = "qemu-system-aarch64"
MACHINE = ("-machine", "virt,gic-version=3", "-smp", "2", "-m", "128M")
THEIRS = (QEMU, *MACHINE, "-S", "-display", "none", "-nodefaults", "-qmp", "stdio")
LATER = {"cortex-a55", "cortex-a710", "neoverse-n2", "neoverse-v1"}
"""Models that the reference has, and Debian's 7.2 has not."""
MODELS = sorted(set(CPU_MODELS) - LATER)

ABSENT = {"tag-memory", "secure-tag-memory"}
"""Of QEMU's `max`; there is no memory tagging here (docs/not-modelled.md)."""

pytestmark = [
    pytest.mark.qemu,
    pytest.mark.skipif(shutil.which(QEMU) is None, reason=f"{QEMU} is not installed"),
]


def expansion(model: Any, kind: Any = "full") -> dict[str, Any]:
    return {
        "execute": "query-cpu-model-expansion",
        "arguments": {"type": kind, "model": model},
    }


def of(name: str, **props: Any) -> dict[str, Any]:
    wire = {key.replace("_", "-"): value for key, value in props.items()}
    return expansion({"name": name, "props": wire})


def choices(model: str) -> Iterator[dict[str, Any]]:
    """Many choices of features, most of them possible."""
    for feature in ("pmu", "sve", "pauth", "pauth_impdef", "sve128", "sve384", "sve640", "sve2048"):
        for value in (True, False):
            yield of(model, **{feature: value})
    for one, other in product((False, True), repeat=2):
        yield of(model, sve=one, sve128=other)
        yield of(model, sve256=one, sve512=other)
        yield of(model, sve1024=one, sve1408=other)
        yield of(model, sve1280=one, sve640=other, sve512=True)
        yield of(model, pauth=one, pauth_impdef=other)
    for name in ("sve-max-vq", "vfp", "start-powered-off", "bogus", "kvm-no-adjvtime"):
        yield of(model, **{name: True})


ODD: list[Any] = ["off", 1, None, [], [1], {}, 0.5]

REQUESTS = [
    *(expansion({"name": name}) for name in [*MODELS, "host", "bogus", "", "max-arm-cpu"]),
    *(request for model in ("cortex-a72", "a64fx", "max") for request in choices(model)),
    *(of("cortex-a72", pmu=value) for value in ODD),
    of("cortex-a72", aarch64=False),
    of("cortex-a72", aarch64=False, bogus=1),
    of("cortex-a72", aarch64=True),
    of("cortex-a72", pmu=False, bogus=1),
    *(expansion({"name": "cortex-a72", "props": value}) for value in ODD),
    *(expansion({"name": "cortex-a72"}, kind) for kind in ("static", "bogus", 1, None)),
    expansion({"name": "bogus"}, "static"),
    expansion({}),
    expansion({"name": 5}),
    expansion({"name": "cortex-a72", "x": 1}),
    expansion(None),
    expansion("cortex-a72"),
    {"execute": "query-cpu-model-expansion"},
    {"execute": "query-cpu-model-expansion", "arguments": {"type": "full"}},
    {"execute": "query-cpu-model-baseline", "arguments": {}},
    {"execute": "query-cpu-model-comparison", "arguments": {}},
]


def ask_qemu(cpu: str, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """QEMU's answers, in their order."""
    said = "".join(
        json.dumps(request)
        for request in ({"execute": "qmp_capabilities"}, *requests, {"execute": "quit"})
    )
    done = subprocess.run(
        [*THEIRS, "-cpu", cpu], input=said, capture_output=True, text=True, check=True
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    answers = [line for line in lines if "return" in line or "error" in line]
    return answers[1:-1]


def ask_ours(cpu: str, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    box = Box(parse([*MACHINE, "-S", "-cpu", cpu]).machine, boot=False)
    answers = [box.send(json.dumps(request).encode()) for request in requests]
    box.close()
    return [line for lines in answers for line in lines]


@pytest.mark.parametrize(
    "cpu",
    [
        "cortex-a72",
        "cortex-a72,pmu=off",
        "max,sve512=off",
        "max,sve=off,pauth-impdef=on",
        "max,sve-max-vq=4",
        "a64fx,sve512=off",
    ],
)
def test_models_expand_as_qemus_do(cpu: str) -> None:
    theirs, ours = ask_qemu(cpu, REQUESTS), ask_ours(cpu, REQUESTS)
    assert len(theirs) == len(ours) == len(REQUESTS)
    for request, their, our in zip(REQUESTS, theirs, ours, strict=True):
        assert our == their, request


@pytest.mark.parametrize("model", MODELS)
def test_a_model_has_the_properties_that_it_has_in_qemu(model: str) -> None:
    requests = [
        {"execute": "device-list-properties", "arguments": {"typename": f"{model}-arm-cpu"}}
    ]
    (theirs,), (ours,) = ask_qemu(model, requests), ask_ours(model, requests)
    their = {entry["name"]: entry for entry in theirs["return"] if entry["name"] != "cntfrq"}
    our = {entry["name"]: entry for entry in ours["return"]}
    assert set(their) - set(our) <= ABSENT
    assert {name: our[name] for name in our if name in their} == {
        name: their[name] for name in their if name in our
    }


def test_each_model_is_defined_as_in_qemu() -> None:
    request = [{"execute": "query-cpu-definitions"}]
    (theirs,), (ours,) = ask_qemu("max", request), ask_ours("max", request)
    their = {entry["name"]: entry for entry in theirs["return"]}
    our = {entry["name"]: entry for entry in ours["return"]}
    assert set(our) - set(their) == LATER
    assert [our[name] for name in MODELS] == [their[name] for name in MODELS]


# The command line

OPTIONS = [
    *("", ",pmu=off", "bogus", "bogus,pmu=off", "help,x", "cortex-a72-arm-cpu", "cortex-a72,"),
    *(
        f"cortex-a72,{text}"
        for text in (
            *("pmu", "+pmu", "help", "pmu=off,,x", ",pmu=off", "pmu=on", "pmu=maybe", "pmu="),
            *("pmu=off ", "pmu=off,pmu=on", "pmu=maybe,bogus=1", "bogus=1,pmu=maybe", "=x"),
            *("aarch64=on", "aarch64=off", "bogus=1", "sve=off", "id=x", "driver=x"),
            *("midr=0x123", "midr=x", "midr=-1", "midr= 5", "midr=5 ", "midr=08", "midr=1-1"),
            *("midr=18446744073709551616", "midr=0x1ffffffffffffffff", "midr=+5", "midr="),
            *("core-count=x", "core-count=0x80000000", "core-count=-2147483649", "core-count=1.5"),
            *("core-count=010", "psci-conduit=x", "psci-conduit=0x100000000", "psci-conduit=-1"),
            *(
                "vfp=off",
                "neon=off",
                "vfp=off,neon=off",
                "vfp=1",
                "vfp=y",
                "vfp=TRUE",
                "has_el2=on",
            ),
            *("node-id=3", "node-id=0", "node-id=x", "type=x", "parent_bus=x", "hotplugged=on"),
            *("hotpluggable=off", "realized=off", "memory=x", "secure-memory=x", "cntfrq=1000"),
            *("memory=", "pmu-interrupt[0]=", "parent_bus="),
            *("pmu-interrupt[0]=x", "unnamed-gpio-in[2]=x", "legacy-memory=x", "reset-hivecs=on"),
            *("mp-affinity=3", "rvbar=0x1000", "reset-cbar=4", "start-powered-off=on"),
        )
    ),
    *(
        f"max,{text}"
        for text in (
            *("sve=off", "sve128=off", "sve=off,sve128=on", "sve384=on", "sve256=off"),
            *("sve-max-vq=3,sve256=off", "sve-max-vq=2,sve512=on", "sve-max-vq=2,sve256=off"),
            *("sve128=off,sve256=on", "sve512=on,sve256=off", "sve=off,sve-max-vq=2"),
            *("sve-max-vq=17", "sve-max-vq=0", "sve-max-vq=x", "sve-max-vq=-1", "sve=maybe"),
            *("pauth=off", "pauth=off,pauth-impdef=on", "pauth-impdef=on", "aarch64=off"),
            *("sme=off", "sme=off,sme256=on,sme512=on", "sme128=off", "sme=maybe", "lpa2=off"),
            *("sme_fa64=off", "sme128=off,sme256=off,sme512=off,sme1024=off,sme2048=off"),
            *("sve128=off,sme=off,sme128=on", "sme384=on"),
        )
    ),
    *(f"a64fx,{text}" for text in ("sve384=on", "sve-max-vq=2", "sve256=off,sve512=on")),
]


def qemu_says(cpu: str) -> str:
    """Its complaint, without the lines of advice that follow; nothing if it starts."""
    done = subprocess.run(
        [*THEIRS, "-cpu", cpu],
        input='{"execute": "qmp_capabilities"} {"execute": "quit"}',
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr.partition("\n")[0].removeprefix(f"{QEMU}: ")


def we_say(cpu: str) -> str:
    try:
        VirtMachine(parse([*MACHINE, "-S", "-cpu", cpu]).machine).close()
    except (UsageError, MachineError) as error:
        return str(error)
    return ""


@pytest.mark.parametrize("cpu", OPTIONS)
def test_a_command_line_is_taken_or_refused_as_by_qemu(cpu: str) -> None:
    assert we_say(cpu) == qemu_says(cpu)


@pytest.mark.parametrize(
    "cpu",
    [
        "cortex-a72",
        "cortex-a72,pmu=off,midr=0x1234,core-count=7,has_el2=on,psci-conduit=1,rvbar=0x1000",
        "cortex-a72,reset-cbar=4,mp-affinity=5,start-powered-off=on,cfgend=on",
        "max,sve256=off,pauth-impdef=on",
        "max,sve-max-vq=3",
        "max,sme256=off,sme_fa64=off,lpa2=off",
        "max,sme512=on,sme=on",
        "max,sme=off",
        "a64fx,sve=off",
    ],
)
def test_what_can_be_read_of_a_cpu_is_as_in_qemu(cpu: str) -> None:
    names = ["pmu", "midr", "core-count", "has_el2", "has_el3", "psci-conduit", "rvbar"]
    names += ["reset-cbar", "mp-affinity", "start-powered-off", "cfgend", "aarch64", "vfp", "sve"]
    names += ["sve128", "sve256", "sve2048", "sve-max-vq", "pauth", "pauth-impdef"]
    names += ["lpa2", "sme", "sme_fa64", "sme128", "sme256", "sme512", "sme2048"]
    requests = [
        {
            "execute": "qom-get",
            "arguments": {"path": f"/machine/unattached/device[{n}]", "property": name},
        }
        for n in (0, 1)
        for name in names
    ]
    ours, theirs = ask_ours(cpu, requests), ask_qemu(cpu, requests)
    for request, our, their in zip(requests, ours, theirs, strict=True):
        assert our == their, request
