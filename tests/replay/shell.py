"""What was typed into the recorded guest's shell, done by the user of the modelled one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from machine.guest import sysfs
from machine.guest.behaviour import Behaviour, OnlinePolicy

if TYPE_CHECKING:
    from tests.box import Box

NO_RULE = "/run/noauto"
"""While this file is there, the recorded guest's hot-plug rule brings no CPU online."""

_REDIRECTION = re.compile(r"echo (\S*) ?> ?(\S+)")
_MASK = re.compile(r"(possible|present|enabled|online)=(\S+)")


class Shell:
    """The user of a box's guest."""

    def __init__(self, box: Box) -> None:
        self._box = box

    def type(self, line: str) -> None:
        """Execute one line; commands that only look at something do nothing here."""
        for command in (part.strip() for part in line.split(";")):
            if command.startswith(("touch ", "rm ")) and NO_RULE in command:
                self._bring_up_by_rule(command.startswith("rm "))
            elif match := _REDIRECTION.fullmatch(command):
                self.write(match[2], match[1])

    def write(self, path: str, text: str) -> None:
        """Write to a file."""
        if path == NO_RULE:
            self._bring_up_by_rule(False)
            return
        self._box.machine.power.guest_write(path, text)

    def look(self, note: str) -> None:
        """Hold the guest's masks against what the recorded one's watcher wrote down."""
        if "CPUSTATE" not in note or self._box.machine.power.kernel is None:
            return
        kernel = self._box.machine.power.kernel
        for name, recorded in _MASK.findall(note):
            assert sysfs.read(kernel, f"{sysfs.CPUS}/{name}") == recorded

    def _bring_up_by_rule(self, on: bool) -> None:  # noqa: FBT001 - whether a file is gone
        policy = OnlinePolicy.UDEV if on else OnlinePolicy.NEVER
        self._box.machine.will.behaviour = Behaviour(online=policy)
