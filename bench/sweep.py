"""What a sweep costs by what is stored, and how fast it settles what is due. `-m bench.sweep`."""

import argparse
import asyncio
import os
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

from azure.core.pipeline import PipelineRequest
from azure.core.rest import HttpRequest
from azure.data.tables.aio import TableClient

from bench.figures import heading, note, ratio, report, row
from bench.outside import run_outside
from local.azure.certificate import trust_in_this_process
from shared import composition, settings
from shared.app import App
from shared.session.start_request import Mode, StartRequest
from shared.store.session_store import TableSessionStore
from shared.store.table import StorageTable
from tests.support.final_records import store_final_records

_FLOOR = "Floor: one range query a shard, 16 in all, and the rate that the settings permit."
_CALLS_A_SECOND = 20
_FACE_CALLS_A_SESSION = 2
_STEP = 5_000


@dataclass(slots=True)
class Sent:
    """Every HTTP request that a table client has sent."""

    counts: Counter[str] = field(default_factory=Counter)

    def __call__(self, request: PipelineRequest[HttpRequest]) -> None:
        """Count one; azure-core calls this before each try."""
        self.counts[request.http_request.method] += 1


async def main(few: int, many: int, due: int) -> None:
    """Measure with few and many records stored, then with sessions that nobody finished."""
    note(_FLOOR)
    async with run_outside() as there:
        os.environ.update(there | {"SWEEP_FACE_CALLS_PER_SECOND": str(_CALLS_A_SECOND)})
        trust_in_this_process(Path(there["SSL_CERT_FILE"]))
        sent = Sent()
        async with _own_table(there, sent) as table:
            await _measure_quiet(table, sent, few, many)
        async with _own_table(there, sent) as table:
            await _measure_busy(table, due)


async def _measure_quiet(table: TableClient, sent: Sent, few: int, many: int) -> None:
    heading("nothing due", "requests", "goal")
    app = _build(table)
    stored = 0
    for wanted in (few, many):
        while stored < wanted:
            part = min(_STEP, wanted - stored)
            await store_final_records(table, part, datetime.now(UTC) - timedelta(days=1))
            stored += part
            report(f"{stored:,} of {many:,} stored")
        sent.counts.clear()
        await app.sweep.run()
        row(f"{stored:,} stored", sent.counts.total(), 16)
    await app.close()


async def _measure_busy(table: TableClient, due: int) -> None:
    report(f"{due} sessions start")
    app = _build(table)
    for _ in range(due):
        await app.start.start(_request())
    await app.close()
    # The same sessions, seen when all of them are over and nobody has said so.
    app = _build(table, later=timedelta(hours=2))
    report("they are swept")
    began = perf_counter()
    await app.sweep.run()
    rate = _FACE_CALLS_A_SESSION * due / (perf_counter() - began)
    await app.close()
    permitted = _CALLS_A_SECOND / 2
    heading("all due", "Face calls a second", "permitted", "used of it")
    row(f"{due} sessions", f"{rate:.1f}", f"{permitted:.1f}", ratio(rate, permitted))


def _build(table: TableClient, later: timedelta = timedelta()) -> App:
    store = TableSessionStore(StorageTable(table, timeout_seconds=300))
    return composition.build(settings.load(), store=store, now=lambda: datetime.now(UTC) + later)


@asynccontextmanager
async def _own_table(there: Mapping[str, str], sent: Sent) -> AsyncIterator[TableClient]:
    name, storage = f"Bench{secrets.token_hex(8)}", there["AzureWebJobsStorage"]
    async with TableClient.from_connection_string(storage, name, raw_request_hook=sent) as table:
        await table.create_table()
        yield table


def _request() -> StartRequest:
    return StartRequest(
        mode=Mode.PASSIVE_ACTIVE, token_seconds=600, device_correlation_id=secrets.token_hex(8)
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=1_000)
    parser.add_argument("--many", type=int, default=20_000)
    parser.add_argument("--due", type=int, default=150)
    chosen = parser.parse_args()
    asyncio.run(main(chosen.few, chosen.many, chosen.due))
