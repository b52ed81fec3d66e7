"""Our own ``x-query-vcpus``: one possible CPU as each layer sees it; and errors of CPUs."""

from protocol.event import Event
from protocol.model import Int64, QapiEnum, UInt64, WireModel
from protocol.qapi.machine import CpuInstanceProperties


class KvmVcpuState(QapiEnum):
    """What the host kernel's vCPU does.

    Parked ones belong to no CPU, stopped ones are off; KVM_RUN of one in internal error has failed.
    """

    PARKED = "parked"
    STOPPED = "stopped"
    RUNNING = "running"
    INTERNAL_ERROR = "internal-error"


class PsciState(QapiEnum):
    """Power state of a CPU, as AFFINITY_INFO tells it (DEN0022F §5.7)."""

    ON = "on"
    OFF = "off"
    ON_PENDING = "on-pending"


class KvmVcpuInfo(WireModel):
    """The host kernel's vCPU: created once, never destroyed."""

    vcpu_id: Int64
    created: bool
    state: KvmVcpuState


class VcpuErrorSeverity(QapiEnum):
    """What a hardware error meant for the CPU."""

    CORRECTED = "corrected"
    UNCORRECTED = "uncorrected"


class VcpuErrors(WireModel):
    """How many hardware errors a CPU has had since it was plugged."""

    corrected: Int64
    uncorrected: Int64


class VmmVcpuInfo(WireModel):
    """The VMM's CPU object, and whether its GIC CPU interface may be used."""

    plugged: bool
    id_: str | None = None
    qom_path: str | None = None
    gicc_accessible: bool
    errors: VcpuErrors | None = None


class LastOst(WireModel):
    """The last report of the guest."""

    source: Int64
    status: Int64


class AcpiVcpuInfo(WireModel):
    """What the CPU hot-plug registers say."""

    enabled: bool
    insert_pending: bool
    remove_pending: bool
    last_ost: LastOst


class GuestCpuTopology(WireModel):
    """Where the guest kernel has the CPU, by the PPTT; negative where there is no such level.

    As Linux has them, ids are offsets in the table unless the table gives better ones.
    """

    package_id: Int64
    cluster_id: Int64
    core_id: Int64
    thread_id: Int64


class GuestVcpuInfo(WireModel):
    """The guest kernel's masks, and what firmware's tables told it."""

    present: bool
    enabled: bool
    online: bool
    node_id: Int64
    topology: GuestCpuTopology | None = None


class VcpuInfo(WireModel):
    """A possible CPU on every layer; the layers below the VMM exist for absent ones, too."""

    index: Int64
    props: CpuInstanceProperties
    mpidr: UInt64
    redistributor: UInt64
    kvm: KvmVcpuInfo
    vmm: VmmVcpuInfo
    acpi: AcpiVcpuInfo | None = None
    guest: GuestVcpuInfo | None = None
    psci: PsciState


class XVcpuError(Event, name="X_VCPU_ERROR"):
    """A CPU has had a hardware error; whether it stays in use is up to others."""

    index: Int64
    device: str | None = None
    path: str
    severity: VcpuErrorSeverity
