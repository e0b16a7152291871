"""What a sweep costs: by what is stored, and by what is due. `python -m bench.sweep`."""

import argparse
import sys
import tracemalloc
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from azure.data.tables.aio import TableClient

from bench.bench_stack import Sent, Stopwatch, bench_stack, heading, own_table, ratio, row, run
from shared import composition, settings
from shared.flow.sweep import Sweep
from shared.session.alarm import Alarm, SweepResult
from shared.session.ids import SessionId
from shared.session.shard import SHARDS
from shared.store.session_store import TableSessionStore
from shared.store.table import StorageTable
from tests.support.final_records import RETENTION, store_final_records

_STEP = 10_000
_TIMES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one sweep took."""

    requests: int
    seconds: float
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class _NoWork:
    """A walk for which nothing is ever to be done, so that only the sweep itself is measured."""

    async def handle_alarm(self, _session_id: SessionId, _alarm: Alarm) -> SweepResult:
        return SweepResult.SKIPPED


async def main(few: int, many: int) -> None:
    """Measure few and many records in one run, and print their ratios."""
    sent, some = Sent(), many // 5
    async with bench_stack() as stack, own_table(stack, sent) as table:
        store = TableSessionStore(StorageTable(table, timeout_seconds=300))
        app = composition.build(settings.load(), store=store, now=stack.clock.now)
        quiet = replace(app.sweep, max_run_seconds=3600)
        # The same records, seen from the end of their retention.
        busy = replace(
            quiet,
            walk=_NoWork(),  # type: ignore[arg-type] # only its alarms are handled
            now=lambda: datetime.now(UTC) + RETENTION,
        )
        await _store(table, few)
        little = await _cheapest(quiet, sent)
        await _store(table, some - few)
        some_due = await _cost(busy, sent)
        await _store(table, many - some)
        much = await _cheapest(quiet, sent)
        all_due = await _cost(busy, sent)
        bare = await _one_empty_query(table)
        await app.close()
    heading("nothing due", f"{few:,} stored", f"{many:,} stored", "ratio")
    row("requests", little.requests, much.requests, ratio(much.requests, little.requests))
    row("time, beside itself", "1.00", ratio(much.seconds, little.seconds), "")
    row("time, beside one range query", "", ratio(much.seconds, bare), "")
    heading("all due, and nothing to do", f"{some:,} due", f"{many:,} due", "ratio")
    row("requests", some_due.requests, all_due.requests, _ratio_of(all_due, some_due))
    row("peak of memory", "1.00", ratio(all_due.peak_bytes, some_due.peak_bytes), "")


def _ratio_of(cost: Cost, base: Cost) -> str:
    return ratio(cost.requests, base.requests)


async def _store(table: TableClient, count: int) -> None:
    for stored in range(0, count, _STEP):
        part = min(_STEP, count - stored)
        await store_final_records(table, part, datetime.now(UTC) - timedelta(days=1))
        print(f"{stored + part:,} of {count:,} stored", file=sys.stderr)  # noqa: T201 - progress


async def _cheapest(sweep: Sweep, sent: Sent) -> Cost:
    costs = [await _cost(sweep, sent) for _ in range(_TIMES)]
    return min(costs, key=lambda cost: cost.seconds)


async def _cost(sweep: Sweep, sent: Sent) -> Cost:
    before = sent.total
    with Stopwatch() as timed:
        await sweep.run()
    requests = sent.total - before
    # Once more for memory, apart: tracing makes everything slow.
    tracemalloc.start()
    await sweep.run()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return Cost(requests=requests, seconds=timed.seconds, peak_bytes=peak)


async def _one_empty_query(table: TableClient) -> float:
    times = []
    for _ in range(_TIMES):
        with Stopwatch() as timed:
            keys = f"PartitionKey eq '{SHARDS[0]}' and RowKey lt '!'"
            async for _ in table.query_entities(keys):
                pass
        times.append(timed.seconds)
    return min(times)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=1_000)
    parser.add_argument("--many", type=int, default=100_000)
    chosen = parser.parse_args()
    run(main(chosen.few, chosen.many))
