"""After any sequence of starts, repeats, endings and sweeps: exact counts, one alarm for each."""

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.flow.ports import SessionStore
from shared.store.session_store import TableSessionStore
from tests.support.fakes import MemoryStore
from tests.support.memory_table import MemoryTable
from tests.support.random_walk import Walk

if TYPE_CHECKING:
    from shared.store.table import StorageTable


def on_a_table() -> SessionStore:
    return TableSessionStore(cast("StorageTable", MemoryTable()))


@pytest.mark.parametrize("store", [MemoryStore, on_a_table], ids=["in-memory", "on-a-table"])
@given(rng=st.randoms(use_true_random=False), steps=st.integers(1, 25))
@settings(max_examples=60, deadline=None)
async def test_counts_and_alarms_are_exact_after_whatever_happens(
    store: Callable[[], SessionStore], rng: Random, steps: int
) -> None:
    walk = Walk(store=store(), rng=rng)
    for _ in range(steps):
        await walk.step()
        await walk.check()
