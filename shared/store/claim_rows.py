"""Idempotency keys and people's counts as table rows and back."""

from collections.abc import Mapping

from shared.session.idempotency import Claim
from shared.session.shard import PersonHash, Shard
from shared.store import row_keys
from shared.store.columns import Columns, Row, read_column, row_at

_CLAIM = Columns(Claim, elsewhere={"shard", "key_hash", "version"})
_COUNT = "openSessions"


def claim_row(claim: Claim) -> Row:
    """Write an idempotency key."""
    return {**row_at(claim.shard, row_keys.claim_key(claim.key_hash)), **_CLAIM.write(claim)}


def claim_from_row(row: Mapping[str, object], version: str) -> Claim:
    """Read an idempotency key; UnreadableRecordError when the row is none of ours."""
    return _CLAIM.read(
        row,
        shard=Shard(read_column(row, "PartitionKey", str)),
        key_hash=row_keys.key_hash_from_key(read_column(row, "RowKey", str)),
        version=version,
    )


def count_row(shard: Shard, person: PersonHash, count: int) -> Row:
    """Write how many open sessions a person has."""
    return {**row_at(shard, row_keys.count_key(person)), _COUNT: count}


def count_from_row(row: Mapping[str, object]) -> int:
    """Read how many open sessions a person has; UnreadableRecordError when it is no number."""
    return read_column(row, _COUNT, int)
