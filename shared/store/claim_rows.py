"""Idempotency keys and people's counts as table rows and back."""

from collections.abc import Mapping

from shared.session.idempotency import Claim, KeyHash
from shared.session.ids import SessionId
from shared.session.shard import PersonHash, Shard
from shared.session.timestamps import rfc3339
from shared.store.columns import Columns, Row
from shared.store.session_rows import ALARM, CLAIM


def claim_key(key_hash: KeyHash) -> str:
    """Name the row of an idempotency key."""
    return CLAIM + key_hash


def claim_alarm_key(claim: Claim) -> str:
    """Name the row of the alarm that rings when an idempotency key ends."""
    return f"{ALARM}{rfc3339(claim.ends_at)}-{CLAIM}{claim.key_hash}"


def claim_row(claim: Claim) -> Row:
    """Write an idempotency key."""
    return {
        "PartitionKey": claim.shard,
        "RowKey": claim_key(claim.key_hash),
        "requestSha256": claim.request_hash,
        "sessionId": claim.session_id,
        "endsAt": rfc3339(claim.ends_at),
    }


def claim_from_row(row: Mapping[str, object], version: str) -> Claim:
    """Read an idempotency key; KeyError, ValueError or TypeError when the row is none of ours."""
    read = Columns(row)
    return Claim(
        shard=Shard(read.text("PartitionKey")),
        key_hash=KeyHash(read.text("RowKey").removeprefix(CLAIM)),
        request_hash=read.text("requestSha256"),
        session_id=SessionId(read.text("sessionId")),
        ends_at=read.time("endsAt"),
        version=version,
    )


def count_row(shard: Shard, person: PersonHash, count: int) -> Row:
    """Write how many open sessions a person has."""
    return {"PartitionKey": shard, "RowKey": count_key(person), "openSessions": count}


def count_key(person: PersonHash) -> str:
    """Name the row of a person's count."""
    return f"person-{person}"


def count_from_row(row: Mapping[str, object]) -> int:
    """Read how many open sessions a person has."""
    return Columns(row).required("openSessions", int)


def claim_alarm_row(claim: Claim) -> Row:
    """Write the alarm that rings when an idempotency key ends."""
    return {"PartitionKey": claim.shard, "RowKey": claim_alarm_key(claim)}


def claim_key_of_alarm(alarm_key: str) -> str:
    """Name the row of the idempotency key that an alarm is for."""
    return claim_key(KeyHash(alarm_key.rpartition("-")[2]))
