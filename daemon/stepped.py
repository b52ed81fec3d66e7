"""What moves a machine's virtual time where no wall does: who steps it, by hand or by command."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from machine.clock import VirtualClock


class SteppedRunner:
    """The same doors as `daemon.runner.Runner`, but time passes only when told to.

    Args:
        clock: the machine's.

    Attributes:
        running: whether steps have an effect: the machine runs.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.running = False

    def resume(self) -> None:
        """Let steps have an effect."""
        self.running = True

    def pause(self) -> None:
        """Let time stand still."""
        self.running = False

    close = pause

    def sync(self) -> None:
        """Do nothing: the present is where the last step led."""

    def kick(self) -> None:
        """Do nothing: the next step will see."""

    def instants(self, limit: int | None = None) -> Iterator[None]:
        """Fire what is due at one instant after the other, up to `limit`; come back after each.

        The machine's stopping ends it, behind the instant at which it stopped.
        """
        while self.running and (due := self.clock.next_deadline) is not None:
            if limit is not None and due > limit:
                return
            self.clock.advance_to(due)
            yield

    def run_until_idle(self, limit: int | None = None) -> None:
        """Fire timer after timer until none is left, the next lies past `limit`, or a stop."""
        for _ in self.instants(limit):
            pass

    def settle_at(self, instant: int) -> None:
        """Stand there, if the machine runs and nothing is due before."""
        if self.running:
            self.clock.advance_to(instant)

    def advance(self, ns: int) -> None:
        """Let this much time pass."""
        until = self.clock.now + ns
        self.run_until_idle(until)
        self.settle_at(until)
