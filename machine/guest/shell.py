"""The shell at the console: the little of busybox's that scripts at a serial port use.

It is user space, and so knows of the kernel only its files and system calls. Commands are separated
by `;`, words may be quoted, `>` writes to a file, `$?` is the status of the command before.
"""

from __future__ import annotations

import re
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from machine.guest import cpuhp, sysfs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from machine.guest.kernel import Kernel
    from machine.guest.smp import Cpu

PROMPT = "/ # "
NOT_FOUND, MISUSE = 127, 2
REDIRECTION = "\0>"
"""What stands for the operator among words: no word holds such a character."""
TOKEN = re.compile(
    r"""(?P<operator>[;>|&<()]+)|(?P<word>(?:[^\s;>|&<()'"\\]|\\.|'[^']*'|"[^"]*")+)|(?P<rest>\S.*)"""
)
QUOTED = re.compile(r"""\\(.)|'([^']*)'|"([^"]*)\"""")
ERRORS = {
    1: "Operation not permitted",
    5: "Input/output error",
    16: "Device or resource busy",
    19: "No such device",
    22: "Invalid argument",
    95: "Operation not supported",
    110: "Connection timed out",
}
"""What glibc calls the errnos that a write to the kernel's files may end in."""


class SyntaxFault(Exception):  # noqa: N818 - the user's, not ours
    """A line is not one that this shell understands."""


class Shell:
    """One session.

    Args:
        kernel: what runs below.
        write: prints something.
    """

    def __init__(self, kernel: Kernel, write: Callable[[str], None]) -> None:
        self._kernel = kernel
        self._print = write
        self._commands: deque[list[str] | None] = deque()
        self._status = 0
        self._running = False
        self._writing = False
        self._programs: dict[str, Callable[[Sequence[str], Cpu], None]] = {
            "cat": self._cat,
            "dmesg": self._dmesg,
            "echo": self._echo,
            "nproc": self._nproc,
            "poweroff": partial(self._sysrq, "o"),
            "reboot": partial(self._sysrq, "b"),
        }

    def line(self, text: str, cpu: Cpu) -> None:
        """Execute a line on a CPU; once what came before is done."""
        try:
            self._commands.extend(_commands(text))
        except SyntaxFault as error:
            self._print(f"sh: syntax error: {error}\n")
            self._status = MISUSE
        self._commands.append(None)
        if not self._running:
            self._run(cpu)

    def prompt(self) -> None:
        """Say that a command may be typed."""
        self._print(PROMPT)

    def _run(self, cpu: Cpu) -> None:
        """Execute command after command, until one takes its time."""
        self._running = True
        while self._commands and not self._writing:
            command = self._commands.popleft()
            if command is None:
                self.prompt()
            else:
                self._execute([word.replace("$?", str(self._status)) for word in command], cpu)
        self._running = False

    def _execute(self, words: list[str], cpu: Cpu) -> None:
        words, target = _redirected(words)
        name, *arguments = words or [""]
        program = self._programs.get(name)
        self._status = 0
        if target is not None:
            self._redirect(name, arguments, target, cpu)
        elif program is not None:
            program(arguments, cpu)
        else:
            self._print(f"sh: {name}: not found\n")
            self._status = NOT_FOUND

    # What there is

    def _echo(self, words: Sequence[str], _cpu: Cpu) -> None:
        self._print(_echoed(words))

    def _cat(self, paths: Sequence[str], _cpu: Cpu) -> None:
        for path in paths:
            text = sysfs.read(self._kernel, path)
            if text is None:
                self._print(f"cat: can't open '{path}': No such file or directory\n")
                self._status = 1
            else:
                self._print(f"{text}\n")

    def _dmesg(self, _words: Sequence[str], _cpu: Cpu) -> None:
        self._print("".join(self._kernel.log.lines))

    def _nproc(self, _words: Sequence[str], _cpu: Cpu) -> None:
        self._print(f"{len(self._kernel.online)}\n")

    def _sysrq(self, key: str, _words: Sequence[str], cpu: Cpu) -> None:
        self._write("/proc/sysrq-trigger", key, cpu)

    # Writing to the kernel's files, which may take until CPUs have come or gone

    def _redirect(self, name: str, words: Sequence[str], target: str, cpu: Cpu) -> None:
        if name != "echo":
            self._print(f"sh: {name}: only echo can be redirected\n")
            self._status = MISUSE
        elif target == "/dev/null":
            return
        else:
            self._write(target, _echoed(words), cpu)

    def _write(self, path: str, text: str, cpu: Cpu) -> None:
        self._writing = True
        sysfs.write(self._kernel, cpu, path, text, partial(self._written, path))

    def _written(self, path: str, outcome: int) -> None:
        """A write has come to an end: at once, or while the kernel did something else."""
        self._writing = False
        if outcome:
            self._complain(path, -outcome)
        if not self._running:
            self._run(self._kernel.online[min(self._kernel.online)])

    def _complain(self, path: str, errno: int) -> None:
        self._status = 1
        if errno == cpuhp.ENOENT:
            self._print(f"sh: can't create {path}: nonexistent directory\n")
        else:
            self._print(f"sh: write error: {ERRORS.get(errno, f'Unknown error {errno}')}\n")


def _commands(text: str) -> Iterator[list[str]]:
    """Cut a line into commands, and those into words; the operator `>` stays, as REDIRECTION.

    Raises:
        SyntaxFault: something has no end, or is not among what there is.
    """
    command: list[str] = []
    for match in TOKEN.finditer(text):
        if match["rest"]:
            raise SyntaxFault("unterminated quoted string")
        if match["word"]:
            command.append(QUOTED.sub(_unquoted, match["word"]))
        elif match["operator"] == ">":
            command.append(REDIRECTION)
        elif match["operator"] == ";" and command:
            yield command
            command = []
        elif match["operator"]:
            raise SyntaxFault(f'unexpected "{match["operator"]}"')
    if command:
        yield command


def _unquoted(quoted: re.Match[str]) -> str:
    return next(text for text in quoted.groups() if text is not None)


def _redirected(words: list[str]) -> tuple[list[str], str | None]:
    """Take `> FILE` off a command."""
    if REDIRECTION not in words:
        return words, None
    at = words.index(REDIRECTION)
    return words[:at] + words[at + 2 :], words[at + 1] if at + 1 < len(words) else ""


def _echoed(words: Sequence[str]) -> str:
    """What echo says; -n leaves the newline out."""
    if words[:1] == ["-n"]:
        return " ".join(words[1:])
    return " ".join(words) + "\n"
