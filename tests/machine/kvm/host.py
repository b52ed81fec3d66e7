"""A VM on the bench: somebody at every exit, and what user space does to bring it up."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from machine.clock import VirtualClock
from machine.kvm.errors import KvmError
from machine.kvm.vgic import RedistRegion, Vgic
from machine.kvm.vm import Vm
from machine.memory import Ram

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from machine.kvm.vcpu import Vcpu

RAM_BASE, RAM_SIZE = 0x4000_0000, 0x10000
DIST, REDIST = 0x0800_0000, 0x080A_0000
FEATURES = frozenset({"power-off", "psci-0.2"})
MIDR = 0x410F_D083


@dataclass
class UserSpace:
    """Keeps every exit, and answers with what a test has put there."""

    answer: int = 0
    served: Callable[[], None] = lambda: None
    exits: list[tuple[object, ...]] = field(default_factory=list)

    def mmio_read(self, vcpu: Vcpu, address: int, size: int) -> int:
        self.exits.append(("read", vcpu.id, address, size))
        self.served()
        return self.answer

    def mmio_write(self, vcpu: Vcpu, address: int, size: int, value: int) -> None:
        self.exits.append(("write", vcpu.id, address, size, value))

    def hypercall(self, vcpu: Vcpu, function: int, args: tuple[int, ...]) -> int:
        self.exits.append(("hypercall", vcpu.id, function, args))
        return self.answer

    def system_event(self, vcpu: Vcpu, kind: str) -> None:
        self.exits.append(("event", vcpu.id, kind))

    def system_suspend(self, vcpu: Vcpu, entry: int, context: int) -> int:
        self.exits.append(("suspend", vcpu.id, entry, context))
        return self.answer

    def internal_error(self, vcpu: Vcpu) -> None:
        self.exits.append(("internal error", vcpu.id))


class Host:
    """A VM and its user space; nothing is set up but the memory."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.user = UserSpace()
        self.vm = Vm(self.clock, self.user)
        self.ram = Ram(RAM_BASE, RAM_SIZE)
        self.vm.set_user_memory_region(self.ram)

    def vcpus(self, count: int) -> list[Vcpu]:
        """Create and initialise some vCPUs; they are powered off."""
        made = [self.vm.create_vcpu(n) for n in range(count)]
        for vcpu in made:
            vcpu.init(FEATURES, midr=MIDR)
        return made

    def vgic(self, room: int = 2) -> Vgic:
        """Create a vGIC and give it its addresses; CTRL_INIT is the test's."""
        vgic = self.vm.create_vgic()
        vgic.set_dist_address(DIST)
        vgic.add_redist_region(RedistRegion(0, REDIST, room).encode())
        return vgic

    def up(self, count: int = 2) -> list[Vcpu]:
        """vCPUs with an initialised vGIC."""
        made = self.vcpus(count)
        self.vgic(count).init()
        return made


class Code:
    """An engine that counts its runs."""

    def __init__(self) -> None:
        self.runs = 0

    def run(self) -> None:
        self.runs += 1


@contextmanager
def refused(name: str, ioctl: str = "KVM_") -> Iterator[None]:
    """Whatever is done fails with the errno of that name."""
    with pytest.raises(KvmError) as failure:
        yield
    assert errno.errorcode[failure.value.errno or 0] == name
    assert ioctl in str(failure.value)
