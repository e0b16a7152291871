"""Where all rows of one person are neighbors; and what stands there for a person, and for a key."""

import re
from typing import NewType

Shard = NewType("Shard", str)
PersonHash = NewType("PersonHash", str)
KeyHash = NewType("KeyHash", str)

_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
SHARDS = tuple(map(Shard, "0123456789abcdef"))


def shard_of_person(person: PersonHash) -> Shard:
    """Name the table's partition that a person's rows live in."""
    return Shard(person[0])


def is_hash(text: str) -> bool:
    """Tell whether a text has the one shape of what stands for a person, or for a key."""
    return _HASH.fullmatch(text) is not None
