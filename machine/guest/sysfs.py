"""What a user of the guest reads and writes: the files about CPUs, ejection, sleep and reboot.

Linux: drivers/base/cpu.c (Documentation/ABI/testing/sysfs-devices-system-cpu),
drivers/acpi/device_sysfs.c, kernel/power/main.c, drivers/tty/sysrq.c. What a write answers is what
write(2) does: 0, or a negative errno.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from machine.guest import cpuhp, panic, suspend
from machine.guest.acpi_hotplug import OST_EC_OSPM_EJECT
from machine.guest.workqueue import Work, nobody

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping

    from machine.guest.kernel import Kernel
    from machine.guest.platform import Thread
    from machine.guest.smp import Cpu

ENODEV = 19

CPUS = "/sys/devices/system/cpu"
BOOLEANS = {"1": True, "y": True, "on": True, "0": False, "n": False, "off": False}


@dataclass(frozen=True, slots=True)
class Process:
    """What the process that writes does by itself, whatever hot-plug work there is."""

    run: Callable[[Cpu], Generator[None, None, int]]


def write(
    kernel: Kernel,
    on: Cpu,
    path: str,
    text: str,
    done: Callable[[int], None] = nobody,
) -> None:
    """Have a file written by a process on the CPU `on`; `done` is told what came of it."""
    for pattern, store in FILES:
        match = pattern.fullmatch(path)
        if match is not None:
            outcome = store(kernel, on, text.strip(), *match.groups())
            break
    else:
        outcome = -cpuhp.ENOENT
    if isinstance(outcome, Work):
        kernel.hotplug.submit(Work(outcome.run, outcome.place, done), on)
    elif isinstance(outcome, Process):
        on.tasks.append(_told(outcome.run(on), done))
    else:
        done(outcome)


def _told(code: Generator[None, None, int], done: Callable[[int], None]) -> Thread:
    done((yield from code))


def read(kernel: Kernel, path: str) -> str | None:
    """What is in the file at `path`, without the newline; None where there is no such file."""
    mask = MASKS.get(path)
    if mask is not None:
        return _list(cpu.id for cpu in kernel.cpus if mask(cpu))
    match = ONLINE.fullmatch(path)
    cpu = _cpu(kernel, match[1]) if match is not None else None
    return str(int(cpu.online)) if cpu is not None else None


def _list(numbers: Iterable[int]) -> str:
    """Numbers as `0-2,5` (Documentation/admin-guide/cputopology.rst)."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges)


def _cpu(kernel: Kernel, number: str) -> Cpu | None:
    """The CPU that has a directory: one that is registered, and so enabled."""
    index = int(number)
    if index >= len(kernel.cpus) or not kernel.cpus[index].enabled:
        return None
    return kernel.cpus[index]


# What is written: each gives an answer at once, work that comes to one, or never one


def _store_online(kernel: Kernel, _on: Cpu, text: str, number: str) -> int | Work:
    cpu = _cpu(kernel, number)
    online = BOOLEANS.get(text.lower())
    if cpu is None:
        return -cpuhp.ENOENT
    if online is None:
        return -cpuhp.EINVAL
    if online:
        return Work(lambda on: cpuhp.cpu_up(kernel, on, cpu))
    return Work(
        lambda on: cpuhp.cpu_down(kernel, on, cpu),
        partial(cpuhp.away_from, kernel, cpu),
    )


def _store_eject(kernel: Kernel, on: Cpu, text: str, hid: str, number: str) -> int:
    """Eject a device; the request is only scheduled, what comes of it is told to firmware."""
    paths = kernel.scan.with_hid(hid)
    index = int(number, 16)
    if index >= len(paths) or not kernel.acpi.exists(paths[index] + "._EJ0"):
        return -cpuhp.ENOENT
    if not text.startswith("1"):
        return -cpuhp.EINVAL
    if not kernel.scan.hotplug.enabled or not kernel.scan.is_attached(paths[index]):
        return -ENODEV
    kernel.scan.notify(paths[index], OST_EC_OSPM_EJECT, on)
    return 0


def _store_hotplug_enabled(kernel: Kernel, _on: Cpu, text: str) -> int:
    enabled = BOOLEANS.get(text.lower())
    if not kernel.acpi_host.rsdp:
        return -cpuhp.ENOENT
    if enabled is None:
        return -cpuhp.EINVAL
    kernel.scan.hotplug.enabled = enabled
    return 0


def _store_power_state(kernel: Kernel, _on: Cpu, text: str) -> int | Work:
    if text != "mem":
        return -cpuhp.EINVAL
    if kernel.suspending:
        return -cpuhp.EBUSY
    kernel.suspending = True
    return Work(partial(suspend.enter, kernel), partial(suspend.primary, kernel))


def _store_sysrq(kernel: Kernel, _on: Cpu, text: str) -> int | Process:
    """Crash, reboot, or power off, without further ado; other keys do nothing here."""
    acts: Mapping[str, Callable[[Cpu], None]] = {
        "b": kernel.restart,
        "c": partial(panic.crash, kernel),
        "o": kernel.power_off,
    }
    act = acts.get(text[:1])
    if act is None:
        return 0
    return Process(partial(_finally, act))


def _finally(act: Callable[[Cpu], None], cpu: Cpu) -> Generator[None, None, int]:
    """Do what the system does not come back from; if it does, firmware has refused."""
    yield from ()
    act(cpu)
    return -cpuhp.EIO


ONLINE = re.compile(CPUS + "/cpu(0|[1-9][0-9]{0,8})/online")
EJECT = re.compile("/sys/bus/acpi/devices/([A-Z0-9]+):([0-9a-f]{2}|[1-9a-f][0-9a-f]{2,7})/eject")
"""A number has one spelling, as the kernel prints it: `%d` of a CPU, `%02x` of an ACPI device."""
MASKS: Mapping[str, Callable[[Cpu], bool]] = {
    f"{CPUS}/possible": lambda _cpu: True,
    f"{CPUS}/present": lambda _cpu: True,
    f"{CPUS}/enabled": lambda cpu: cpu.enabled,
    f"{CPUS}/online": lambda cpu: cpu.online,
}
"""The lists of CPUs. Each that the MADT says may come is present from the start."""

FILES: tuple[tuple[re.Pattern[str], Callable[..., int | Work | Process]], ...] = (
    (ONLINE, _store_online),
    (EJECT, _store_eject),
    (re.compile("/sys/firmware/acpi/hotplug/processor/enabled"), _store_hotplug_enabled),
    (re.compile("/sys/power/state"), _store_power_state),
    (re.compile("/proc/sysrq-trigger"), _store_sysrq),
)
"""The files that can be written, and how."""
