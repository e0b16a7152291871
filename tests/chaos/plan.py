"""What will happen in a run. The same seed and size give the same plan; only timing varies."""

from dataclasses import dataclass
from random import Random

from tests.chaos import scripts, troubles
from tests.chaos.scripts import Script
from tests.chaos.troubles import Trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Who will do what, and what will go wrong."""

    scripts: tuple[Script, ...]
    troubles: tuple[Trouble, ...]


def plan(seed: int, *, sessions: int, seconds: float) -> Plan:
    """Draw everything from the seed; troubles and sessions do not shift each other."""
    return Plan(
        scripts=scripts.scripts(_random(seed, "scripts"), count=sessions, seconds=seconds),
        troubles=troubles.troubles(_random(seed, "troubles"), seconds=seconds + 3),
    )


def _random(seed: int, stream: str) -> Random:
    return Random(f"{seed} {stream}")  # noqa: S311 - it must be replayable, not secret
