"""Power: CPUs on and off, reset, power-off, and the guest's image in RAM.

An engine is made when a CPU is powered on, and dropped when it goes off (the talk's T23: a parked
vCPU is off). What the guest asks of the system happens once its vCPU has stopped, as QEMU's main
loop does it after the vCPU thread has left the guest.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from machine.actions import GUEST_SHUTDOWN, RebootAction
from machine.cpu_properties import starts_powered_off
from machine.engine.model import ModelEngine
from machine.errors import MachineError
from machine.events import VcpuChanged, WasReset
from machine.firmware import loader
from machine.guest.image import Image
from machine.guest.smp import SystemState
from machine.kvm.vcpu import MpState
from machine.kvm.vcpu_events import VcpuEvents, set_vcpu_events
from machine.runstate import RunState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from machine.clock import Timer
    from machine.cpu import CpuSlot
    from machine.guest.kernel import Kernel
    from machine.kvm.vcpu import Engine, Vcpu
    from machine.virt import VirtMachine


class Power:
    """Who is on, and what they run.

    Args:
        machine: the board.
        tables: ACPI tables by signature, to be laid out in RAM at each reset.
    """

    def __init__(self, machine: VirtMachine, tables: Mapping[str, bytes]) -> None:
        self._machine = machine
        self._tables = tables
        self.engine_factory: Callable[[Vcpu, Image], Engine] = ModelEngine
        self.image: Image | None = None
        self._request: Timer | None = None
        self._sleeper: CpuSlot | None = None
        self._online: set[int] = set()
        """The affinities of the CPUs that the kernel has said to be online."""

    @property
    def kernel(self) -> Kernel | None:
        """The guest's kernel, for those who look from outside; None until it runs."""
        return self.image.kernel if self.image is not None else None

    @property
    def guest_has_begun(self) -> bool:
        """Whether the boot CPU has executed anything since the last reset."""
        boot = self._machine.slots[0].cpu
        return boot is not None and boot.thread.entered

    # CPUs

    def cpu_on(self, slot: CpuSlot, pc: int, x0: int) -> None:
        """Start a plugged CPU: reset it, give it an engine, let it run."""
        self._set_out(slot, pc, x0)
        if self._machine.trace.on:
            self._machine.trace("vmm", "arm_set_cpu_on", index=slot.index, entry=pc, context=x0)
            self._machine.trace("kvm", "kvm_set_mp_state", vcpu_id=slot.vcpu.id, state="runnable")
        slot.vcpu.set_mp_state(MpState.RUNNABLE)
        if slot.cpu is not None:
            slot.cpu.thread.on_pending = True
        slot.vcpu.kick()
        self._machine.events.emit(VcpuChanged(slot.index))

    def _set_out(self, slot: CpuSlot, pc: int, x0: int) -> None:
        """Bring a CPU to the start of what it is to execute, with a new engine."""
        if self.image is None:
            raise AssertionError("a CPU without anything to run")
        vcpu = slot.vcpu
        vcpu.reset()
        slot.gic_cpu.reset_interface()
        vcpu.pc, vcpu.x0 = pc, x0
        vcpu.engine = self.engine_factory(vcpu, self.image)

    def cpu_off(self, slot: CpuSlot) -> None:
        """Stop a CPU; its engine goes."""
        if self._machine.trace.on and slot.vcpu.mp_state is MpState.RUNNABLE:
            self._machine.trace("vmm", "arm_set_cpu_off", index=slot.index)
            self._machine.trace("kvm", "kvm_set_mp_state", vcpu_id=slot.vcpu.id, state="stopped")
        slot.vcpu.set_mp_state(MpState.STOPPED)
        slot.gic_cpu.reset_interface()
        if slot.cpu is not None:
            slot.cpu.thread.stop()
        self._machine.events.emit(VcpuChanged(slot.index))

    def inject_serror(self, slot: CpuSlot) -> None:
        """Have a CPU take an SError, as after an error that the hardware could not correct.

        It is pending until the guest lets it through; a CPU that is off loses it when it comes up.

        Raises:
            MachineError: there is no such CPU now.
        """
        if slot.cpu is None:
            raise MachineError(f"CPU {slot.index} is not plugged")
        set_vcpu_events(slot.vcpu, VcpuEvents(serror_pending=True))

    # The system

    def system_event(self, vcpu: Vcpu, kind: str) -> None:
        """The guest asked, by PSCI on this vCPU: stop it, then do it, once.

        What several vCPUs ask for at one instant is one request; a shutdown goes before a reset.
        """
        vcpu.set_mp_state(MpState.STOPPED)
        if self._request is not None and kind == "reset":
            return
        act = {"shutdown": self._guest_off, "reset": self._guest_reset}[kind]
        self._ask(act)

    def request_shutdown(self, reason: str) -> None:
        """The guest asked for its end otherwise, for a reason (QEMU: ShutdownCause)."""
        self._ask(partial(self._guest_off, reason))

    def _ask(self, act: Callable[[], None]) -> None:
        """Have it done once the vCPU has left the guest, in place of what was asked for before."""
        self._forget_request()
        self._request = self._machine.clock.call_after(0, act)

    def suspend(self, slot: CpuSlot, entry: int, context: int) -> None:
        """The guest asked, from its last CPU: that one begins anew once it is woken up."""
        if slot.cpu is not None:
            slot.cpu.thread.stop()
        self._set_out(slot, entry, context)
        self._sleeper = slot
        if self._request is None:  # what another one has asked for before comes first
            self._request = self._machine.clock.call_after(0, self._guest_asleep)

    def _guest_asleep(self) -> None:
        self._request = None
        self._machine.suspended()

    @property
    def asleep(self) -> bool:
        """Whether the guest has suspended the system, and has not been woken up."""
        return self._sleeper is not None

    def wake_up(self) -> None:
        """Let the CPU go on that has suspended the system."""
        slot, self._sleeper = self._sleeper, None
        if slot is not None:
            slot.vcpu.kick()

    def _forget_request(self) -> None:
        if self._request is not None:
            self._request.cancel()
            self._request = None

    def _guest_off(self, reason: str = GUEST_SHUTDOWN) -> None:
        self._request = None
        self._machine.shutdown(reason, guest=True)

    def _guest_reset(self) -> None:
        self._request = None
        self.system_reset(guest=True, reason="guest-reset")

    def system_reset(self, *, guest: bool, reason: str) -> None:
        """Reset everything; CPUs whose removal is pending go, the others stay plugged.

        A machine that is not to reboot ends instead.
        """
        machine = self._machine
        if machine.ended:
            return
        if machine.actions.reboot is RebootAction.SHUTDOWN:
            machine.shutdown(reason, guest=guest)
            return
        if machine.trace.on:
            machine.trace("vmm", "qemu_system_reset", guest=guest, reason=reason)
        self._forget_request()
        machine.plugger.complete_removals()
        if machine.cpuhp is not None:
            for index in machine.cpuhp.pending:
                machine.cpuhp.cancel(index)
        self.reset()
        machine.was_reset()
        machine.events.emit(WasReset(guest=guest, reason=reason))
        if machine.faults.on:
            machine.faults.decide("reset")

    def reset(self) -> None:
        """Bring the hardware to its state after reset, and start again.

        The hot-plug registers keep selector, command and the last _OST, as the real block does.
        """
        machine = self._machine
        self._sleeper = None
        self._online.clear()
        for slot, cpu in machine.cpus():
            slot.vcpu.left = None
            self.cpu_off(slot)
            slot.vcpu.reset()
            cpu.thread.entered = False
        machine.gic.reset()
        if machine.ged is not None:
            machine.ged.reset()
        machine.uart.reset()
        machine.rtc.reset()
        self.start()

    def start(self) -> None:
        """Lay firmware's data out in RAM, and bring the boot CPU to its first instruction.

        One that is to start powered off stays off, and nobody is there to start it.
        """
        machine = self._machine
        boot = loader.load(machine.ram, self._tables, partial(_board_tree, machine))
        self.image = Image(boot.pc, self, machine.will)
        slot = machine.slots[0]
        if slot.cpu is not None and not starts_powered_off(slot.cpu, slot):
            self.cpu_on(slot, boot.pc, boot.x0)

    # The guest's user

    def guest_suspend(self) -> None:
        """Have a user of the modelled guest suspend it.

        Raises:
            MachineError: where it can't, or nobody is there who could.
        """
        if not self._machine.config.system_suspend:
            raise MachineError("the guest can't suspend: the machine has x-system-suspend=off")
        self.guest_do("/sys/power/state", "mem")

    def guest_do(self, path: str, text: str) -> None:
        """The same as `guest_write`, for those who do not wait for the outcome.

        Raises:
            MachineError: also where it is known at once that it won't do.
        """
        outcomes: list[int] = []
        self.guest_write(path, text, outcomes.append)
        if outcomes and outcomes[0]:
            raise MachineError(f"{path}: {os.strerror(-outcomes[0])}")

    def guest_write(
        self, path: str, text: str, done: Callable[[int], None] = lambda _error: None
    ) -> None:
        """Have a user of the modelled guest write to a file of its kernel's.

        `done` is told what write(2) answers, at once or later: 0, or a negative errno.

        Raises:
            MachineError: where nobody is there who could.
        """
        kernel = self.kernel
        ended = self._machine.run_state is RunState.SHUTDOWN
        if ended or kernel is None or kernel.system_state is SystemState.BOOTING:
            raise MachineError("the guest is not up")
        if kernel.system_state is SystemState.SUSPEND:
            raise MachineError("the guest is suspended")
        if kernel.panicked:
            raise MachineError("the guest has panicked")
        self._trace_write(path, text)
        cpu = kernel.write_file(path, text, done)
        vcpu = self._machine.vm.by_affinity(cpu.mpidr)
        if vcpu is not None and isinstance(vcpu.engine, ModelEngine):
            vcpu.engine.wake()

    def _trace_write(self, path: str, text: str) -> None:
        if self._machine.trace.on:
            self._machine.trace("guest", "vfs_write", path=path, text=text)

    # What the guest's kernel lets an observer see

    def printk(self, nanoseconds: int, text: str) -> None:
        """A line of the kernel's log."""
        if self._machine.trace.on:
            self._machine.trace("guest", f"[{nanoseconds / 1e9:12.6f}] {text}")

    def traced(self, name: str, **fields: object) -> None:
        """The kernel passed one of its trace points."""
        if self._machine.trace.on:
            self._machine.trace("guest", name, **fields)

    @property
    def wants_methods(self) -> bool:
        """Whether anybody listens."""
        return self._machine.trace.on

    def method(self, path: str, cpu: int, *, begins: bool) -> None:
        """A method of AML begins or ends."""
        trace = self._machine.trace
        if begins:
            trace("aml", "acpi_ds_begin_method_execution", cpu=cpu, path=path)
        else:
            trace("aml", "acpi_ds_terminate_control_method", cpu=cpu, path=path)

    def cpus_changed(self, mpidr: int) -> None:
        """The kernel's enabled or online mask changed."""
        if self._machine.trace.on and self.kernel is not None:
            cpu = self.kernel.by_affinity[mpidr]
            self.traced("cpu_masks", cpu=cpu.id, enabled=cpu.enabled, online=cpu.online)
        slot = self._machine.by_affinity.get(mpidr)
        if slot is not None:  # firmware's data, as the guest found it, may name a CPU that is none
            self._machine.events.emit(VcpuChanged(slot.index))
            self._follow_online(slot)

    def _follow_online(self, slot: CpuSlot) -> None:
        """Find out whether it was the online mask that changed, and which way."""
        cpu = None if self.kernel is None else self.kernel.by_affinity.get(slot.arch_id)
        if cpu is None or cpu.online is (slot.arch_id in self._online):
            return
        self._online ^= {slot.arch_id}
        if self._machine.faults.on:
            self._machine.faults.decide("online" if cpu.online else "offline", slot.index)

    def system_running(self) -> None:
        """The kernel is up."""
        if self._machine.faults.on:
            self._machine.faults.decide("up")


def _board_tree(machine: VirtMachine) -> Mapping[str, object]:
    """The device tree of the board, for a guest that is told nothing by ACPI."""
    from machine.virt_fdt import board_tree  # noqa: PLC0415 - most guests have ACPI

    return board_tree(machine)
