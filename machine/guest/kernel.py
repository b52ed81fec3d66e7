"""The kernel: boot, idle loop, and what the drivers share.

Linux: init/main.c, arch/arm64/kernel/setup.c. Everything that it knows it has read from memory
that x0 led to, or from registers: which CPUs there are, where the GIC is, how firmware is called.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from machine.guest import (
    acpi_numa,
    acpi_setup,
    acpi_tables,
    cpuhp,
    firmware,
    of,
    of_fdt,
    of_setup,
    panic,
    psci,
    pvpanic,
    sched,
    suspend,
    sysfs,
    timer,
)
from machine.guest.acpi_host import AcpiHost
from machine.guest.acpi_scan import AcpiScan
from machine.guest.aml.errors import AmlError
from machine.guest.aml.interpreter import Interpreter
from machine.guest.behaviour import ACCEPTED, KernelKind, Obedient
from machine.guest.irq_gic_v3 import NoRedistributorError
from machine.guest.printk import Log
from machine.guest.smp import IPI_RESCHEDULE, Cpu, SystemState
from machine.guest.terminal import Terminal
from machine.guest.workqueue import HotplugQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from machine.guest.amba_pl011 import Pl011
    from machine.guest.aml.values import Value
    from machine.guest.behaviour import Decision, Will
    from machine.guest.irq_gic_v3 import GicV3
    from machine.guest.latency import Latency
    from machine.guest.platform import Platform, Thread


NEVER = "never"
"""The outcome of a boot that gets stuck."""


class Observer(Protocol):
    """Who looks at the kernel from outside, as a debugger would; it has no say."""

    def printk(self, nanoseconds: int, text: str) -> None:
        """A line of the kernel's log, with its time."""

    def traced(self, name: str, **fields: object) -> None:
        """A trace point of the kernel, where Linux has one or a debug message."""

    @property
    def wants_methods(self) -> bool:
        """Whether to tell of AML's methods."""

    def method(self, path: str, cpu: int, *, begins: bool) -> None:
        """A method of firmware's AML begins or ends on a CPU, by its logical number."""

    def cpus_changed(self, mpidr: int) -> None:
        """The enabled or online mask changed for the CPU with this affinity."""

    def system_running(self) -> None:
        """The kernel has booted, and its drivers are bound."""


class Kernel:
    """One booted kernel. `platform` is that of the boot CPU."""

    gic: GicV3
    """There once the tables have been read."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self.observer: Observer | None = None
        self.will: Will = Obedient()
        self.log = Log()
        self._uart: Pl011 | None = None
        self.terminal: Terminal | None = None
        self.kind = KernelKind.HOTPLUG
        self._boot: Decision = ACCEPTED
        self.secondary_entry = 0
        self.resume_entry = 0
        self.system_state = SystemState.BOOTING
        self.can_suspend = False
        self.panicked = False
        self.panic_device: pvpanic.PvPanic | None = None
        self.suspending = False
        """From when a user asks for it to when all CPUs are back: one at a time may ask."""
        self.frozen: list[Cpu] = []
        """The CPUs that are offline only while the system sleeps."""
        self.cpus: list[Cpu] = []
        self.by_uid: dict[int, Cpu] = {}
        self.by_affinity: dict[int, Cpu] = {}
        self.processors: dict[str, Cpu] = {}
        """The CPUs whose processor devices have been looked at, by their paths."""
        self.online: dict[int, Cpu] = {}
        """The online mask, by logical number."""
        self.hotplug = HotplugQueue(self)
        self.numa = acpi_numa.one_node()
        self.acpi_host = AcpiHost(self)
        self.acpi = Interpreter(self.acpi_host)
        self.scan = AcpiScan(self)
        self.timer_interrupt = 0
        self._epoch = timer.now(platform)
        """When this kernel began: the counter runs on through resets, the log's times do not."""

    def start(self, x0: int, *, secondary_entry: int, resume_entry: int) -> Thread:
        """Boot: `x0` points to the device tree.

        Secondaries are to enter at `secondary_entry`, a system that is woken up at `resume_entry`.
        """
        self.secondary_entry = secondary_entry
        self.resume_entry = resume_entry
        self.kind = self.will.behaviour.kernel
        self._boot = self.will.decide("boot")
        try:
            boot = self._boot_by(of_fdt.load_tree(self._platform, x0))
        except (firmware.FirmwareError, acpi_tables.AcpiTableError) as error:
            boot = panic.panic(self, self._platform, str(error))
        except NoRedistributorError:
            boot = panic.panic(self, self._platform, "the boot CPU has no re-distributor")
        yield from boot

    def _boot_by(self, tree: of_fdt.Node) -> Thread:
        """Find out what there is, from ACPI's tables or, without ACPI, from the device tree.

        Raises:
            FirmwareError: from neither of them.
            AcpiTableError: the tables can't be used.
            NoRedistributorError: there is none for the boot CPU.
        """
        if not of.is_stub(tree):
            of_setup.setup(self, self._platform, tree)
            pvpanic.probe_tree(self, tree)
            return self._rest_init(self._enable_all())
        chosen = tree.child("chosen")
        properties = chosen.properties if chosen is not None else {}
        self.acpi_host.rsdp = firmware.find_rsdp(self._platform, properties)
        tables = acpi_tables.read_tables(self._platform, self.acpi_host.rsdp)
        dram = firmware.find_dram(self._platform, properties)
        acpi_setup.setup(self, self._platform, tables, dram)
        return self._rest_init(acpi_setup.find_devices(self, tables["DSDT"]))

    def _rest_init(self, devices: Thread) -> Thread:
        """Start the first thread, and be the boot CPU's idle loop; `devices` finds what there is.

        Linux: init/main.c.
        """
        boot = self.boot_cpu
        spis = self.gic.init_distributor(self._platform)
        self.printk(self._platform, f"GICv3: {spis} SPIs implemented")
        self.init_interrupts(boot)
        cpuhp.set_online(self, boot, online=True)
        boot.tasks.append(self._kernel_init(boot, devices))
        return sched.idle(self, boot)

    def _kernel_init(self, boot: Cpu, devices: Thread) -> Thread:
        """The first thread: all that takes time.

        One that is to be stuck ends before there are drivers, and the CPUs have nothing to do.
        """
        yield from self._bring_up_secondaries(boot)
        if self._boot.outcome == NEVER:
            return
        yield from self._take_time(boot)
        yield from devices
        self._start_terminal()
        self._set_running()

    def _set_running(self) -> None:
        self.system_state = SystemState.RUNNING
        if self.observer is not None:
            self.observer.system_running()

    def _take_time(self, boot: Cpu) -> Thread:
        """Whatever else a kernel does before its drivers are there."""
        due = self.will.behaviour.boot_time + self._boot.delay
        if due:
            left = self._epoch + due - timer.now(boot.hardware)
            yield from timer.sleep(boot, max(left, 0))

    def _enable_all(self) -> Thread:
        """Without ACPI the CPUs are all there from the start, and stay."""
        for cpu in self.cpus:
            cpu.enabled = True
            self.cpus_changed(cpu)
        yield from ()

    # What each CPU does

    def init_interrupts(self, cpu: Cpu) -> None:
        """Bring up the calling CPU's redistributor, interface and timer; unmask."""
        platform = cpu.hardware
        region, frame = self.gic.init_cpu(platform)
        self.printk(
            platform,
            f"GICv3: CPU{cpu.id}: found redistributor {cpu.mpidr:x} region {region}:{frame:#018x}",
        )
        self.gic.enable_ppi(platform, self.timer_interrupt)
        platform.on_irq(lambda: self.gic.take_irq(platform), partial(panic.serror, self, cpu))

    def secondary_start(self, platform: Platform, context: int) -> Thread:
        """Where CPU_ON starts a CPU: `context` is its logical number."""
        cpu = self.cpus[context]
        cpu.platform = platform
        try:
            cpuhp.secondary_start(self, cpu)
        except NoRedistributorError:
            self.printk(platform, f"CPU{cpu.id}: mpidr {cpu.mpidr:x} has no re-distributor!")
            return self.halt(platform)
        return sched.idle(self, cpu)

    def resume(self, platform: Platform, context: int) -> Thread:
        """Where the last CPU goes on after a sleep: `context` is its logical number."""
        cpu = self.cpus[context]
        cpu.platform = platform
        return suspend.resume(self, cpu)

    def halt(self, platform: Platform) -> Thread:
        """Do nothing, forever."""
        self.log.flush(platform)
        while True:
            platform.wfi()
            yield

    def wake(self, sender: Cpu, target: Cpu | None) -> None:
        """Make another CPU look at its state."""
        if target is not None and target is not sender:
            self.gic.send_sgi(sender.hardware, IPI_RESCHEDULE, target.mpidr)

    def power_off(self, cpu: Cpu) -> None:
        """An orderly power-off; does not come back."""
        self.printk(cpu.hardware, "reboot: Power down")
        self.log.flush(cpu.hardware)
        psci.system_off(cpu.hardware)

    def restart(self, cpu: Cpu) -> None:
        """A reboot; does not come back."""
        self.printk(cpu.hardware, "reboot: Restarting system")
        self.log.flush(cpu.hardware)
        psci.system_reset(cpu.hardware)

    def write_file(self, path: str, text: str, done: Callable[[int], None]) -> Cpu:
        """A user's process writes to a file of the kernel's (see `sysfs`).

        Nothing is done before the CPU that it gives, on which the process is, runs again.
        """
        cpu = self.online[min(self.online)]
        sysfs.write(self, cpu, path, text, done)
        return cpu

    # What the drivers share

    def takes(self, latency: Latency) -> int:
        """How many ns something takes now; a boot has no latencies but that of its own."""
        if self.system_state is SystemState.BOOTING:
            return 0
        return self.will.behaviour.takes(latency.value.ns)

    def spend(self, cpu: Cpu, latency: Latency) -> Thread:
        """Let a thread of `cpu` take its time."""
        return timer.sleep(cpu, self.takes(latency))

    @property
    def boot_cpu(self) -> Cpu:
        """Logical CPU 0."""
        return self.cpus[0]

    def _take_timer_interrupt(self, platform: Platform) -> None:
        timer.interrupt(self.cpu_of(platform))

    def cpu_of(self, platform: Platform) -> Cpu:
        """The CPU whose platform this is; one that firmware does not name is the boot CPU."""
        affinity = platform.mrs("MPIDR_EL1") & 0xFF_FFFF
        return self.by_affinity.get(affinity, self.boot_cpu)

    def online_cpus(self) -> list[Cpu]:
        """The CPUs that are online, in ascending order."""
        return [self.online[number] for number in sorted(self.online)]

    def printk(self, platform: Platform, text: str) -> None:
        """Log a line from the CPU that has something to say."""
        time = timer.now(platform) - self._epoch
        self.log.append(time, text)
        if self.observer is not None:
            self.observer.printk(time, text)

    def cpus_changed(self, cpu: Cpu) -> None:
        """Say that a mask changed."""
        if self.observer is not None:
            self.observer.cpus_changed(cpu.mpidr)

    def evaluate(self, cpu: Cpu, path: str, *args: Value) -> Value:
        """Evaluate an ACPI object or method on a CPU, which makes its accesses.

        Firmware's faults are logged, and give no value: the kernel goes on without it.
        """
        self.acpi_host.cpu = cpu
        if self.observer is not None:
            self.observer.traced("acpi_evaluate_object", cpu=cpu.id, path=path, args=args)
            self.acpi.watch(self.acpi_host if self.observer.wants_methods else None)
        try:
            return self.acpi.evaluate(path, *args)
        except AmlError as error:
            self.printk(cpu.hardware, f"ACPI Error: {path}: {error}")
            return None

    # Boot

    def start_console(self, uart: Pl011) -> None:
        """Print the log to a UART, all that was said so far first."""
        self._uart = uart
        uart.startup(self._platform)
        self.log.register_console(uart)

    def _start_terminal(self) -> None:
        """Let somebody type at the console, if its interrupt is known."""
        if self._uart is not None and self._uart.interrupt is not None:
            self.terminal = Terminal(self, self._uart, self._uart.interrupt)

    def number_cpus(self, usable: Iterable[tuple[int, int]]) -> None:
        """Number the CPUs, each a UID and an affinity: this one is 0, the others follow."""
        here = self._platform.mrs("MPIDR_EL1") & 0xFF_FFFF
        for uid, mpidr in sorted(usable, key=lambda cpu: cpu[1] != here):
            cpu = Cpu(len(self.cpus), uid, mpidr)
            self.cpus.append(cpu)
            self.by_uid[uid] = cpu
        self.by_affinity = {cpu.mpidr: cpu for cpu in self.cpus}
        self.boot_cpu.platform = self._platform

    def probe_psci(self) -> None:
        """Ask firmware what it is."""
        self.can_suspend = psci.probe(self._platform, partial(self.printk, self._platform))

    def _bring_up_secondaries(self, boot: Cpu) -> Thread:
        self.gic.handle(self.timer_interrupt, self._take_timer_interrupt)
        panic.setup(self)
        self.printk(self._platform, "smp: Bringing up secondary CPUs ...")
        for cpu in self.cpus[1:]:
            yield from cpuhp.cpu_up(self, boot, cpu)
        self.gic.end_boot()
        up = f"{_count(self.numa.nodes, 'node')}, {_count(len(self.online), 'CPU')}"
        self.printk(self._platform, f"smp: Brought up {up}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number > 1 else ''}"
