"""Records of sessions that ended long ago, by the thousand."""

import asyncio
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import batched

from azure.core.exceptions import ServiceRequestError
from azure.data.tables import TransactionOperation
from azure.data.tables.aio import TableClient

from shared.secret import Secret
from shared.session import transitions
from shared.session.face_answer import FaceSession
from shared.session.ids import FaceSessionId, SessionId
from shared.session.person import SealedPerson
from shared.session.shard import SHARDS
from shared.session.start_request import Mode, StartRequest
from shared.store import alarm_rows, session_rows
from shared.store.columns import Row

RETENTION = timedelta(days=90)
_MAX_OPERATIONS = 100
_GRACE = timedelta(minutes=5)


async def store_final_records(
    table: TableClient, count: int, ended_at: datetime, shards: Sequence[str] = SHARDS
) -> None:
    """Store as many as are asked for, evenly over the shards, each with its one alarm."""
    request = StartRequest(
        mode=Mode.PASSIVE_ACTIVE, token_seconds=600, device_correlation_id="phone-1"
    )

    def rows(shard: str) -> tuple[Row, Row]:
        started = transitions.new_session(
            request,
            FaceSession(
                face_session_id=FaceSessionId(secrets.token_hex(16)), auth_token=Secret("token")
            ),
            session_id=SessionId(shard + secrets.token_hex(16)),
            token=Secret(secrets.token_hex(16)),
            now=ended_at,
            grace=_GRACE,
            who=SealedPerson(),
        )
        ended = transitions.face_data_deleted(transitions.canceled(started, ended_at), RETENTION)
        return session_rows.session_row(ended), alarm_rows.alarm_row(ended)

    async def fill(number: int, shard: str) -> None:
        share = range(number, count, len(shards))
        await store_rows(table, (row for _ in share for row in rows(shard)))

    await asyncio.gather(*(fill(number, shard) for number, shard in enumerate(shards)))


async def store_rows(table: TableClient, rows: Iterable[Row]) -> None:
    """Store rows of one partition, however many."""
    for some in batched(rows, _MAX_OPERATIONS, strict=False):
        operations = [(TransactionOperation.UPSERT, row) for row in some]
        try:
            await table.submit_transaction(operations)
        except ServiceRequestError:
            # The SDK repeats no transaction when Azurite closes a connection that lay idle.
            await table.submit_transaction(operations)
