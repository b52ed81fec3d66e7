"""Records all that a guest does to its platform, and plays it back with no machine behind.

A log is what crossed the seam between guest and machine: the verbs that the guest used, with what
they gave, and in between what set it going (`start`, `resume`, `irq`).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from machine.engine.model import ModelEngine
from machine.guest.image import Image
from machine.guest.platform import PowerOff

if TYPE_CHECKING:
    from collections.abc import Iterable

    from machine.guest.platform import Thread, Vector
    from machine.kvm.vcpu import Vcpu
    from machine.virt import VirtMachine

OFF = "off"


@dataclass(frozen=True, slots=True)
class Step:
    """One crossing: on which CPU, what, with which arguments, and what it gave."""

    cpu: int
    verb: str
    args: tuple[Any, ...] = ()
    result: Any = None


Log = list[Step]


class RecordingEngine(ModelEngine):
    """The modelled guest's engine, with everything written down."""

    __slots__ = ("_log",)

    def __init__(self, vcpu: Vcpu, image: Image, log: Log) -> None:
        super().__init__(vcpu, image)
        self._log = log

    def _note(self, verb: str, *args: Any, result: Any = None) -> None:
        self._log.append(Step(self._vcpu.id, verb, args, result))

    def _enter(self, pc: int, x0: int) -> Thread:
        self._note("start", pc, x0)
        return super()._enter(pc, x0)

    def _resume(self, thread: Thread) -> None:
        self._note("resume")
        super()._resume(thread)

    def _take_irq(self, handler: Vector) -> None:
        self._note("irq")
        super()._take_irq(handler)

    def load(self, address: int, size: int) -> int:
        value = super().load(address, size)
        self._note("load", address, size, result=value)
        return value

    def store(self, address: int, size: int, value: int) -> None:
        self._note("store", address, size, value)
        super().store(address, size, value)

    def mrs(self, register: str) -> int:
        value = super().mrs(register)
        self._note("mrs", register, result=value)
        return value

    def msr(self, register: str, value: int) -> None:
        self._note("msr", register, value)
        super().msr(register, value)

    def smccc(self, function: int, *args: int) -> int:
        try:
            answer = super().smccc(function, *args)
        except PowerOff:
            self._note("smccc", function, *args, result=OFF)
            raise
        self._note("smccc", function, *args, result=answer)
        return answer

    def wfi(self) -> None:
        self._note("wfi")

    def on_irq(self, handler: Vector, serror: Vector | None = None) -> None:
        self._note("on_irq")
        super().on_irq(handler, serror)


def record(machine: VirtMachine) -> Log:
    """Reset the machine, and write down what its guest does from its first instruction on."""
    log: Log = []
    machine.power.engine_factory = lambda vcpu, image: RecordingEngine(vcpu, image, log)
    machine.power.reset()
    return log


class ReplayPlatform:
    """A CPU's platform with no machine behind: it has only the log."""

    def __init__(self, replay: Replay, cpu: int) -> None:
        self._replay = replay
        self._cpu = cpu
        self.handler: Vector | None = None

    def _expect(self, verb: str, *args: Any) -> Any:
        return self._replay.expect(Step(self._cpu, verb, args))

    def load(self, address: int, size: int) -> int:
        return int(self._expect("load", address, size))

    def store(self, address: int, size: int, value: int) -> None:
        self._expect("store", address, size, value)

    def mrs(self, register: str) -> int:
        return int(self._expect("mrs", register))

    def msr(self, register: str, value: int) -> None:
        self._expect("msr", register, value)

    def smccc(self, function: int, *args: int) -> int:
        answer = self._expect("smccc", function, *args)
        if answer == OFF:
            raise PowerOff
        return int(answer)

    def wfi(self) -> None:
        self._expect("wfi")

    def on_irq(self, handler: Vector, serror: Vector | None = None) -> None:
        self._expect("on_irq")
        self.handler, self.serror = handler, serror


class Replay:
    """Drives a guest from a log alone, and insists that it does the same again."""

    def __init__(self, log: Iterable[Step]) -> None:
        self._log = deque(log)
        self._platforms: dict[int, ReplayPlatform] = {}
        self._threads: dict[int, Thread] = {}
        self.image: Image | None = None

    def expect(self, step: Step) -> Any:
        """What the log says that a verb gave."""
        assert self._log, f"the guest went on with {step}"
        logged = self._log.popleft()
        assert (logged.cpu, logged.verb, logged.args) == (step.cpu, step.verb, step.args)
        return logged.result

    def run(self) -> None:
        """Replay to the end of the log."""
        while self._log:
            step = self._log.popleft()
            try:
                self._drive(step)
            except PowerOff:
                continue

    def _drive(self, step: Step) -> None:
        if step.verb == "start":
            self._start(step.cpu, *step.args)
        elif step.verb == "resume":
            next(self._threads[step.cpu])
        else:
            assert step.verb == "irq", f"the guest did not do {step}"
            handler = self._platforms[step.cpu].handler
            assert handler is not None
            self._threads[step.cpu] = handler() or self._threads[step.cpu]

    def _start(self, cpu: int, pc: int, x0: int) -> None:
        self.image = self.image or Image(pc)
        platform = self._platforms[cpu] = ReplayPlatform(self, cpu)
        self._threads[cpu] = self.image.enter(platform, pc, x0)
