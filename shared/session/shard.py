"""Where all rows of one person are neighbors; and what stands there for a person, and for a key."""

from typing import NewType

Shard = NewType("Shard", str)
PersonHash = NewType("PersonHash", str)
KeyHash = NewType("KeyHash", str)

SHARDS = tuple(map(Shard, "0123456789abcdef"))


def shard_of_person(person: PersonHash) -> Shard:
    """Name the table's partition that a person's rows live in."""
    return Shard(person[0])
