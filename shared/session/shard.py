"""Where all rows of one person are neighbors, and the hash that stands for that person there."""

import hashlib
from typing import NewType

Shard = NewType("Shard", str)
PersonHash = NewType("PersonHash", str)

SHARDS = tuple(map(Shard, "0123456789abcdef"))


def shard_of_person(person: str) -> Shard:
    """Name the table's partition that a person's rows live in."""
    return Shard(hashlib.sha256(person.encode()).hexdigest()[0])
