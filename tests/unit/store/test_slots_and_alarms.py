"""After any sequence of starts, repeats, endings and sweeps: exact slots, one alarm for each."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.memory_table import StoreInMemory
from tests.support.random_walk import Walk


@given(rng=st.randoms(use_true_random=False), steps=st.integers(1, 25))
@settings(max_examples=60, deadline=None)
async def test_slots_and_alarms_are_exact_after_whatever_happens(rng: Random, steps: int) -> None:
    walk = Walk(store=StoreInMemory(), rng=rng)
    for _ in range(steps):
        await walk.step()
        await walk.check()
