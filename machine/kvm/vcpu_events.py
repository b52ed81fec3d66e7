"""Exceptions that user space has pending on a vCPU: KVM_GET_VCPU_EVENTS and KVM_SET_VCPU_EVENTS.

Documentation/virt/kvm/api.rst §4.31, §4.32. On arm64 that is the SError; as the modelled host has
no RAS extension, its syndrome is the kernel's to choose.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, NamedTuple

from machine.kvm.errors import KvmError

if TYPE_CHECKING:
    from machine.kvm.vcpu import Vcpu

ESR_SERROR = 0x2F << 26 | 1 << 25 | 1 << 24
"""ESR_EL1 of one: its class, IL, and a syndrome that is nobody's but the implementation's."""


class VcpuEvents(NamedTuple):
    """struct kvm_vcpu_events, as far as arm64 fills it.

    Attributes:
        serror_pending: the vCPU is to take an SError once it is unmasked.
        serror_has_esr: with this syndrome.
        serror_esr: ESR_EL1.ISS, 25 bits.
        ext_dabt_pending: an external abort; it can be set, and is never pending afterwards.
    """

    serror_pending: bool = False
    serror_has_esr: bool = False
    serror_esr: int = 0
    ext_dabt_pending: bool = False


def get_vcpu_events(vcpu: Vcpu) -> VcpuEvents:
    """KVM_GET_VCPU_EVENTS."""
    return VcpuEvents(serror_pending=vcpu.serror_pending)


def set_vcpu_events(vcpu: Vcpu, events: VcpuEvents) -> None:
    """KVM_SET_VCPU_EVENTS: what is pending stays so, and a vCPU that waits comes out of it.

    Raises:
        KvmError: EINVAL for a syndrome, which needs the RAS extension, and for an external abort,
            which nothing here is prepared for.
    """
    if events.ext_dabt_pending or (events.serror_pending and events.serror_has_esr):
        raise KvmError(errno.EINVAL, "KVM_SET_VCPU_EVENTS")
    if events.serror_pending:
        vcpu.serror_pending = True
        vcpu.kick()
