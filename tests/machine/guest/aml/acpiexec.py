"""Intel's compiler and interpreter as strangers: compile ASL, execute, read what they print."""

from __future__ import annotations

import codecs
import re
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.machine.acpi.reference import need_tool

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

Access = tuple[str, int, int, int]
Printed = int | str | bytes | list["Printed"] | None


@dataclass
class Outcome:
    """What acpiexec says of one evaluation: a value or an error, accesses and notifications."""

    value: Printed = None
    error: str | None = None
    accesses: list[Access] = field(default_factory=list)
    notified: list[tuple[str, int]] = field(default_factory=list)


def compile_asl(folder: Path, source: str) -> bytes:
    """Compile ASL without any optimization, so that operators stay operators."""
    iasl = need_tool("iasl")
    (folder / "stranger.asl").write_text(source)
    command = [iasl, "-f", "-oa", "stranger.asl"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert "syntax error" not in done.stdout + done.stderr, done.stdout
    return (folder / "stranger.aml").read_bytes()


def run(folder: Path, table: bytes, methods: Iterable[str], *more: bytes) -> dict[str, Outcome]:
    """Evaluate methods in one process, in order; ``more`` are tables loaded after the first."""
    acpiexec = need_tool("acpiexec")
    files = [f"run{at}.aml" for at in range(1 + len(more))]
    for name, content in zip(files, (table, *more), strict=True):
        (folder / name).write_bytes(content)
    commands = "".join(f"evaluate \\{method}\n" for method in methods) + "quit\n"
    done = subprocess.run(
        [acpiexec, "-dr", "-vr", *files],
        cwd=folder,
        input=commands,
        capture_output=True,
        text=True,
        check=False,
        errors="replace",
    )
    chunks = re.split(r"^Evaluating \\(\S+)\n", done.stdout + "\n", flags=re.MULTILINE)
    assert len(chunks) > 1, done.stdout + done.stderr
    return {name: _outcome(text) for name, text in zip(chunks[1::2], chunks[2::2], strict=True)}


_ACCESS = re.compile(r"SystemMemory (Read |Write): Val (\w+) Addr (\w+) BitWidth (\w+)")
_NOTIFIED = re.compile(r"Received a \w+ Notify on \[(\w+)\] \S+ Value (\w+)")
_FAILED = re.compile(r"failed with status (\w+)|^ACPI Error: (\w+), while executing", re.MULTILINE)


def _outcome(text: str) -> Outcome:
    accesses = [
        (
            "load" if kind == "Read " else "store",
            int(address, 16),
            int(width, 16) // 8,
            int(value, 16) & (1 << int(width, 16)) - 1,
        )
        for kind, value, address, width in _ACCESS.findall(text)
    ]
    notified = [(name, int(value, 16)) for name, value in _NOTIFIED.findall(text)]
    outcome = Outcome(accesses=accesses, notified=notified)
    failed = _FAILED.search(text)
    lines = text.splitlines()
    start = next((at for at, line in enumerate(lines) if " returned object " in line), None)
    if failed:
        outcome.error = failed[1] or failed[2]
    elif start is not None:
        outcome.value = _value(iter(lines[start + 1 :]))
    return outcome


_DUMP = re.compile(r"[0-9A-F]{4}: ((?:[0-9A-F]{2} )+)")


def _value(lines: Iterator[str]) -> Printed:
    line = next(lines)
    if match := re.search(r"\[Integer\] = (\w+)", line):
        return int(match[1], 16)
    if match := re.search(r'\[String\] Length \w+ = "(.*)"', line):
        return codecs.decode(match[1], "unicode_escape")
    if match := re.search(r"\[Buffer\] Length (\w+) = ?(.*)", line):
        return _dump(match[2], int(match[1], 16), lines)
    if match := re.search(r"\[Package\] Contains (\d+)", line):
        return [_value(lines) for _ in range(int(match[1]))]
    if match := re.search(r"\[Object Reference\].* Name (\w+)", line):
        return match[1]
    return None if "[Null Object]" in line else line.strip()


def _dump(line: str, length: int, lines: Iterator[str]) -> bytes:
    data = b""
    if not line:
        line = next(lines)
    while length:
        found = _DUMP.search(line)
        assert found, line
        data += bytes.fromhex(found[1])
        if len(data) >= length:
            break
        line = next(lines)
    return data[:length]
