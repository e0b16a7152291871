"""What will happen in a run. The same seed and size give the same plan; only timing varies."""

from dataclasses import dataclass
from random import Random

from tests.chaos import scripts, troubles
from tests.chaos.scripts import Script
from tests.chaos.troubles import Trouble

# Less than the grace after a token's end: a clock that is further ahead ends checks too early.
_SKEWS = (0, 0, 0.5, 45, 200, -200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Who will do what, what will go wrong, and how far the hosts' clocks are apart."""

    scripts: tuple[Script, ...]
    troubles: tuple[Trouble, ...]
    skew_seconds: float


def plan(seed: int, *, sessions: int, seconds: float) -> Plan:
    """Draw everything from the seed; troubles and sessions do not shift each other."""
    return Plan(
        scripts=scripts.scripts(_random(seed, "scripts"), count=sessions, seconds=seconds),
        troubles=troubles.troubles(_random(seed, "troubles"), seconds=seconds + 3),
        skew_seconds=_random(seed, "skew").choice(_SKEWS),
    )


def _random(seed: int, stream: str) -> Random:
    return Random(f"{seed} {stream}")  # noqa: S311 - it must be replayable, not secret
