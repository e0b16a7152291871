"""Idempotency keys and people's counts as table rows and back."""

from collections.abc import Mapping

from shared.session.idempotency import Claim
from shared.session.session import rfc3339
from shared.store import row_keys
from shared.store.columns import Columns, Row, row_at


def claim_row(claim: Claim) -> Row:
    """Write an idempotency key."""
    return {
        **row_at(claim.shard, row_keys.claim_key(claim.key_hash)),
        "requestSha256": claim.request_hash,
        "sessionId": claim.session_id,
        "endsAt": rfc3339(claim.ends_at),
    }


def claim_from_row(row: Mapping[str, object], version: str) -> Claim:
    """Read an idempotency key; KeyError, ValueError or TypeError when the row is none of ours."""
    read = Columns(row)
    return Claim(
        shard=read.text("PartitionKey"),
        key_hash=row_keys.key_hash_from_key(read.text("RowKey")),
        request_hash=read.text("requestSha256"),
        session_id=read.text("sessionId"),
        ends_at=read.time("endsAt"),
        version=version,
    )


def count_row(shard: str, person: str, count: int) -> Row:
    """Write how many open sessions a person has."""
    return {**row_at(shard, row_keys.count_key(person)), "openSessions": count}


def count_from_row(row: Mapping[str, object]) -> int:
    """Read how many open sessions a person has."""
    return Columns(row).required("openSessions", int)
