"""What `-cpu` and `device_add` choose: features that follow from others, and what comes of them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine.cpu_expansion import ADVERTISED, expand
from machine.cpu_models import CPU_MODELS
from machine.cpu_sve import LENGTHS, POWERS, SveChoice, resolve
from machine.errors import MachineError
from machine.memmap import PPI_PMU
from machine.runstate import RunState
from machine.virt_fdt import board_tree
from tests.machine.acpi.tables import structures, walk

if TYPE_CHECKING:
    from tests.machine.board import Board, Make

BOOT = "/machine/unattached/device[0]"
SECOND = "/machine/unattached/device[1]"
GICC, PERFORMANCE_GSIV = 0x0B, 20


def properties(text: str) -> tuple[tuple[str, str], ...]:
    """What stands behind `-cpu MODEL,`."""
    pairs = [part.partition("=") for part in text.split(",")]
    return tuple((name, value) for name, _, value in pairs)


def started(boards: Make, text: str, **config: Any) -> Board:
    return boards(cpu_properties=properties(text), **config)


def refusal(boards: Make, text: str, model: str = "cortex-a72") -> str:
    with pytest.raises(MachineError) as refused:
        boards(cpu_model=model, cpu_properties=properties(text), boot=False)
    return str(refused.value)


# Vector lengths


@given(
    supported=st.sampled_from([model.vector_lengths for model in CPU_MODELS.values()]),
    lengths=st.dictionaries(st.sampled_from(list(LENGTHS)), st.booleans(), max_size=5),
    most=st.sampled_from([0, 0, *LENGTHS]),
    enabled=st.booleans(),
)
def test_a_set_of_lengths_is_what_was_asked_for_and_what_the_architecture_allows(
    supported: tuple[int, ...], lengths: dict[int, bool], most: int, *, enabled: bool
) -> None:
    if not supported:
        return
    try:
        found = resolve(supported, SveChoice(enabled=enabled, lengths=lengths, most=most))
    except MachineError:
        return
    assert enabled or not found
    if not found:
        return
    assert found <= set(supported)
    assert {power for power in POWERS if power <= max(found)} <= found
    assert all((length in found) is on for length, on in lengths.items() if on)
    assert not any(length in found for length, on in lengths.items() if not on)
    assert not most or max(found) == most


@pytest.mark.parametrize(
    ("text", "lengths"),
    [
        ("pmu=on", set(LENGTHS)),
        ("sve256=off", {1}),
        ("sve512=off", {1, 2, 3}),
        ("sve384=off", set(LENGTHS) - {3}),
        ("sve384=on", {1, 2, 3}),
        ("sve768=on,sve640=off", {1, 2, 4, 6}),
        ("sve-max-vq=3", {1, 2, 3}),
        ("sve=off", set()),
        ("sve=off,sve256=off", set()),
    ],
)
def test_lengths_follow_from_those_that_are_named(
    boards: Make, text: str, lengths: set[int]
) -> None:
    qom = started(boards, text, cpu_model="max", boot=False).machine.qom
    found = {length for length in LENGTHS if qom.get(SECOND, f"sve{128 * length}")}
    assert found == lengths
    assert qom.get(SECOND, "sve") is bool(lengths)
    assert qom.get(SECOND, "sve-max-vq") == max(lengths, default=0)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("sve128=off", "cannot disable sve128"),
        ("sve=off,sve128=on", "cannot enable sve128"),
        ("sve=off,sve-max-vq=2", "cannot enable sve256"),
        ("sve-max-vq=3,sve256=off", "cannot disable sve256"),
        ("sve-max-vq=2,sve256=off", "cannot disable sve256"),
        ("sve-max-vq=2,sve512=on", "cannot enable sve512"),
        ("sve512=on,sve256=off", "cannot disable sve256"),
        ("pauth=off,pauth-impdef=on", "cannot enable pauth-impdef without pauth"),
    ],
)
def test_what_does_not_go_together_is_refused_in_qemus_words(
    boards: Make, text: str, complaint: str
) -> None:
    assert refusal(boards, text, "max") == complaint


def test_a_length_that_the_model_does_not_support_is_refused(boards: Make) -> None:
    assert refusal(boards, "sve384=on", "a64fx") == "cannot enable sve384"


# Every CPU of the machine


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("pmu=off", "pmu", False),
        ("pmu=off,pmu=on", "pmu", True),
        ("midr=0x1234", "midr", 0x1234),
        ("core-count=7", "core-count", 7),
        ("rvbar=0x1000", "rvbar", 0x1000),
        ("cntfrq=1000", "cntfrq", 1000),
        ("cntfrq=0", "cntfrq", 62_500_000),
        ("cfgend=on", "cfgend", True),
        ("vfp=off,neon=off", "neon", False),
        ("aarch64=on", "aarch64", True),
    ],
)
def test_a_property_is_there_with_every_cpu_whenever_it_came(
    boards: Make, text: str, name: str, value: object
) -> None:
    cold = {"driver": "cortex-a72-arm-cpu", "id": "cold", "core-id": "2"}
    board = started(boards, text, devices=(cold,))
    board.plug(3, "hot")
    paths = [BOOT, SECOND, "/machine/peripheral/cold", "/machine/peripheral/hot"]
    assert [board.machine.qom.get(path, name) for path in paths] == [value] * 4


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("has_el2=on", "has_el2", False),
        ("has_el3=on", "has_el3", False),
        ("psci-conduit=1", "psci-conduit", 2),
        ("reset-cbar=4", "reset-cbar", 0x0800_0000),
        ("mp-affinity=5", "mp-affinity", 1),
        ("start-powered-off=off", "start-powered-off", True),
    ],
)
def test_what_the_board_decides_it_decides_again(
    boards: Make, text: str, name: str, value: object
) -> None:
    assert started(boards, text, boot=False).machine.qom.get(SECOND, name) == value


def test_device_add_may_say_otherwise(boards: Make) -> None:
    board = started(boards, "pmu=off,midr=0x1234")
    board.add(4, "own", pmu=True, midr=0x5678)
    assert board.machine.qom.get("/machine/peripheral/own", "pmu") is True
    assert board.machine.qom.get("/machine/peripheral/own", "midr") == 0x5678


def test_the_guest_reads_the_midr_that_was_chosen(boards: Make) -> None:
    board = started(boards, "midr=0x410fd4a0")
    board.plug(4)
    assert [board.vcpu(n).mrs("MIDR_EL1") for n in (0, 1, 4)] == [0x410FD4A0] * 3


@pytest.mark.parametrize(("text", "gsiv"), [("pmu=off", 0), ("pmu=on", PPI_PMU)])
def test_without_a_pmu_the_madt_names_no_interrupt_of_one(
    boards: Make, text: str, gsiv: int
) -> None:
    board = started(boards, text, boot=False)
    madt = walk(board.machine.ram.read_bytes, board.vcpu().x0)["APIC"]
    found = [
        struct.unpack_from("<I", entry, PERFORMANCE_GSIV)[0]
        for entry in structures(madt)
        if entry[0] == GICC
    ]
    assert found == [gsiv] * 6


def test_without_a_pmu_the_device_tree_has_none(boards: Make) -> None:
    assert "pmu" not in board_tree(started(boards, "pmu=off", boot=False).machine)
    assert "pmu" in board_tree(started(boards, "pmu=on", boot=False).machine)


def test_without_a_pmu_no_cpu_finds_one(boards: Make) -> None:
    board = started(boards, "pmu=off")
    board.plug(3)
    version = [board.vcpu(n).mrs("ID_AA64DFR0_EL1") >> 8 & 0xF for n in (0, 1, 3)]
    assert version == [0, 0, 0]
    assert boards().vcpu().mrs("ID_AA64DFR0_EL1") >> 8 & 0xF


def test_one_cpu_without_a_pmu_does_not_change_the_tables(boards: Make) -> None:
    cold = {"driver": "cortex-a72-arm-cpu", "core-id": "2", "pmu": "off"}
    assert boards(devices=(cold,), boot=False).machine.has_pmu


def test_a_boot_cpu_that_is_to_start_powered_off_does(boards: Make) -> None:
    board = started(boards, "start-powered-off=on")
    assert board.machine.run_state is RunState.RUNNING
    assert board.machine.power.kernel is None
    assert board.machine.qom.get(BOOT, "start-powered-off") is True
    board.machine.system_reset()
    board.settle()
    assert board.online() == []


# Refusals


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("bogus=1", "Property 'cortex-a72-arm-cpu.bogus' not found"),
        ("sve=off", "Property 'cortex-a72-arm-cpu.sve' not found"),
        ("type=x", "Property 'cortex-a72-arm-cpu.type' is not writable"),
        ("parent_bus=x", "Property 'cortex-a72-arm-cpu.parent_bus' is not writable"),
        ("legacy-memory=x", "Property 'cortex-a72-arm-cpu.legacy-memory' is not writable"),
        ("memory=x", "Device 'x' not found"),
        ("pmu=maybe", "Parameter 'pmu' expects 'on' or 'off'"),
        ("midr=x", "Parameter 'midr' expects uint64"),
        ("core-count=x", "Parameter 'core-count' expects int64"),
        ("core-count=0x80000000", "Parameter 'core-count' expects int32_t"),
        ("psci-conduit=-1", "Parameter 'psci-conduit' expects uint32_t"),
        (
            "aarch64=off",
            (
                "'aarch64' feature cannot be disabled unless KVM is enabled "
                "and 32-bit EL1 is supported"
            ),
        ),
    ],
)
def test_a_property_that_cant_be_set_is_named_with_its_value(
    boards: Make, text: str, complaint: str
) -> None:
    assert refusal(boards, text) == f"can't apply global cortex-a72-arm-cpu.{text}: {complaint}"


def test_the_first_wrong_property_is_told(boards: Make) -> None:
    assert "pmu=maybe" in refusal(boards, "pmu=maybe,bogus=1,pmu=on")
    assert "bogus=1" in refusal(boards, "pmu=off,bogus=1,midr=x")


@pytest.mark.parametrize("text", ["vfp=off", "neon=off"])
def test_vfp_and_neon_come_together(boards: Make, text: str) -> None:
    assert refusal(boards, text) == "AArch64 CPUs must have both VFP and Neon or neither"


def test_a_wrong_node_is_refused(boards: Make) -> None:
    assert refusal(boards, "node-id=3") == "invalid node-id, must be 0"


@pytest.mark.parametrize(
    ("model", "given", "complaint"),
    [
        ("cortex-a72", {"vfp": False}, "AArch64 CPUs must have both VFP and Neon or neither"),
        ("cortex-a72", {"sve": True}, "Property 'cortex-a72-arm-cpu.sve' not found"),
        ("cortex-a72", {"memory": "x"}, "Device 'x' not found"),
        (
            "cortex-a72",
            {"parent_bus": ""},
            "Property 'cortex-a72-arm-cpu.parent_bus' is not writable",
        ),
        ("max", {"sve128": False}, "cannot disable sve128"),
        ("max", {"sve-max-vq": 17}, "unsupported SVE vector length"),
        ("max", {"sve256": "x"}, "Parameter 'sve256' expects 'on' or 'off'"),
        ("max", {"pauth": False, "pauth-impdef": True}, "cannot enable pauth-impdef without pauth"),
    ],
)
def test_device_add_of_a_cpu_that_cant_be_changes_nothing(
    boards: Make, model: str, given: dict[str, object], complaint: str
) -> None:
    board = boards(cpu_model=model)
    before = board.state()
    with pytest.raises(MachineError) as refused:
        board.machine.device_add({"driver": f"{model}-arm-cpu", "core-id": 3, **given})
    assert str(refused.value) == complaint
    assert board.state() == before


def test_the_board_looks_at_the_place_before_the_features(boards: Make) -> None:
    board = boards()
    with pytest.raises(MachineError, match="Invalid core-id 98"):
        board.add(98, vfp=False)


def test_two_cpus_of_one_machine_may_differ(boards: Make) -> None:
    board = boards(cpu_model="max")
    for core, denied in ((3, "sve256"), (4, "sve")):
        board.machine.device_add(
            {"driver": "max-arm-cpu", "id": f"c{core}", "core-id": core, denied: False}
        )
    qom = board.machine.qom
    assert [qom.get(f"/machine/peripheral/c{n}", "sve-max-vq") for n in (3, 4)] == [1, 0]
    assert qom.get(BOOT, "sve-max-vq") == 16


# Expansion


@pytest.mark.parametrize("model", CPU_MODELS.values(), ids=lambda model: model.name)
def test_an_expansion_tells_all_features_of_a_model(model: Any) -> None:
    found = expand(model.name, {}, {})
    assert list(found) == [feature for feature in ADVERTISED if feature in found]
    assert {"aarch64", "pmu"} <= set(found)
    assert ("sve" in found) is bool(model.vector_lengths)
    assert ("pauth" in found) is model.pauth


@pytest.mark.parametrize("model", ["cortex-a72", "a64fx", "max"])
def test_what_was_expanded_expands_to_itself(model: str) -> None:
    found = expand(model, {"pmu": False}, {})
    assert expand(model, found, {}) == found


def test_a_new_cpu_of_the_machine_has_what_the_command_line_gave(boards: Make) -> None:
    machine = started(boards, "pmu=off", boot=False).machine
    assert expand("cortex-a72", {}, machine.cpu_globals)["pmu"] is False
    assert expand("cortex-a72", {"pmu": True}, machine.cpu_globals)["pmu"] is True
