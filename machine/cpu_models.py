"""The CPU models that `-cpu` names: what of each a guest or a client can tell apart here.

Only 64-bit models can be plugged; QEMU's other Arm types are known by name, so that asking for
one is refused with the same words.
"""

from __future__ import annotations

from typing import NamedTuple


class CpuModel(NamedTuple):
    """A model.

    Attributes:
        name: as `-cpu` has it.
        midr: MIDR_EL1 (DDI 0487, MIDR_EL1: implementer, variant, part, revision).
        vector_lengths: those that its SVE supports, in quadwords; none without SVE.
        pauth: whether pointer authentication can be chosen.
        cbar: whether there is a configuration base address register, and so `reset-cbar`.
    """

    name: str
    midr: int
    vector_lengths: tuple[int, ...] = ()
    pauth: bool = False
    cbar: bool = True

    @property
    def typename(self) -> str:
        """The QOM type, as `device_add`'s driver names it."""
        return f"{self.name}-arm-cpu"

    @property
    def is_max(self) -> bool:
        """Whether it is `max`, of which more can be chosen than of any other."""
        return self.name == "max"

    @property
    def compatible(self) -> str:
        """What a device tree calls it; `max` is no real CPU, and called what QEMU calls it."""
        return f"arm,{'cortex-a57' if self.is_max else self.name}"


CPU_MODELS: dict[str, CpuModel] = {
    model.name: model
    for model in (
        CpuModel("a64fx", 0x461F0010, (1, 2, 4), cbar=False),
        CpuModel("cortex-a35", 0x411FD040),
        CpuModel("cortex-a53", 0x410FD034),
        CpuModel("cortex-a55", 0x412FD050),
        CpuModel("cortex-a57", 0x411FD070),
        CpuModel("cortex-a72", 0x410FD083),
        CpuModel("cortex-a76", 0x414FD0B1),
        CpuModel("cortex-a710", 0x412FD471, (1,), pauth=True),
        CpuModel("max", 0x000F0510, tuple(range(1, 17)), pauth=True),
        CpuModel("neoverse-n1", 0x414FD0C1),
        CpuModel("neoverse-n2", 0x410FD493, (1,), pauth=True),
        CpuModel("neoverse-v1", 0x411FD402, (1, 2), pauth=True),
    )
}
"""By `-cpu` name, alphabetically."""

MODEL_OF_TYPE = {model.typename: model for model in CPU_MODELS.values()}

ABSTRACT_TYPES = frozenset(
    {"device", "sys-bus-device", "cpu", "arm-cpu", "aarch64-cpu", "arm-gicv3-common"}
)
"""Types of devices of which there is no instance."""

BOARD_ONLY_TYPES = frozenset(
    {
        "acpi-ged",
        "arm-gicv3",
        "arm-gicv3-its",
        "cfi.pflash01",
        "fw_cfg_mem",
        "gpex-pcihost",
        "gpio-key",
        "pl011",
        "pl031",
        "pvpanic-mmio",
        "pl061",
        "virtio-mmio",
    }
    | {
        f"{name}-arm-cpu"
        for name in [
            "arm1026",
            "arm1136",
            "arm1136-r2",
            "arm1176",
            "arm11mpcore",
            "arm926",
            "arm946",
            "cortex-a15",
            "cortex-a7",
            "cortex-a8",
            "cortex-a9",
            "cortex-m0",
            "cortex-m3",
            "cortex-m33",
            "cortex-m4",
            "cortex-m55",
            "cortex-m7",
            "cortex-r5",
            "cortex-r52",
            "cortex-r5f",
            "pxa250",
            "pxa255",
            "pxa260",
            "pxa261",
            "pxa262",
            "pxa270",
            "pxa270-a0",
            "pxa270-a1",
            "pxa270-b0",
            "pxa270-b1",
            "pxa270-c0",
            "pxa270-c5",
            "sa1100",
            "sa1110",
            "ti925t",
        ]
    },
)
"""Types of QEMU's board that a user cannot create: `expects a pluggable device type`."""
