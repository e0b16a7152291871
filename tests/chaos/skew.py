"""How far the clocks of two hosts are apart, and what then cannot be known."""

from dataclasses import dataclass
from datetime import timedelta

from local.clock import StackClock


@dataclass(frozen=True, slots=True, kw_only=True)
class Skew:
    """The second host's clock is ahead of the stack's by these seconds, or behind."""

    seconds: float = 0
    clock: StackClock | None = None

    @property
    def margin(self) -> timedelta:
        """Return by how much any two times may be apart, though they are of one moment."""
        return timedelta(seconds=abs(self.seconds))

    def follow(self, stack_clock: StackClock) -> None:
        """Go with the stack's clock, at this distance."""
        if self.clock is not None:
            ahead = stack_clock.now() - self.clock.now()
            self.clock.advance(ahead.total_seconds() + self.seconds)
