"""The fault table: each outside call, times each fault, and what comes of it.

docs/reliability.md has the same table for people, and tests/journeys/test_fault_table.py plays it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.support.fault_proxy import Fault

AGAIN = "the caller asks again"
ORPHAN = "the caller asks again; Face forgets the session it made"
GOES_ON = "the check goes on"
DONE = "nothing is left to do"
GONE = "nothing is left to do, by Face's word"
QUEUE = "the queue records it"
SWEEP = "the sweep records it"
CLEANUP = "the sweep deletes at Face"

NOTHING = "nothing"
STARTED = "`started`"
PROCESSING = "`processing`"
COMPLETED = "`completed`"
ABANDONED = "`abandoned`"
LEFT_AT_FACE = "`completed`, not deleted at Face"

CREATED = "201"
TOLD_COMPLETED = "200 `completed`"
TOLD_ABANDONED = "200 `abandoned`"
TOLD_PROCESSING = "202 `processing`"
FACE_REFUSED = "502 `FaceRefused`"
FACE_UNAVAILABLE = "503 `FaceUnavailable`"
KEY_UNAVAILABLE = "503 `KeyUnavailable`"
STORE_UNAVAILABLE = "503 `StoreUnavailable`"
RECORD_CORRUPT = "500 `RecordCorrupt`"
CONFLICT = "409 `SessionConflict`, `Retry-After: 1`"

type Faults = tuple[Fault, ...]

SLOW: Faults = (Fault.SLOW,)
# The service did what it was asked for, and nobody could read that.
HALFWAY: Faults = (Fault.TRUNCATED, Fault.LOST)
# Somebody else wrote first, or so it seems.
RACES: Faults = (Fault.CONFLICT, Fault.PRECONDITION)
REFUSALS: Faults = (
    Fault.FORBIDDEN,
    Fault.NOT_FOUND,
    Fault.FOREIGN_NOT_FOUND,
    *RACES,
)
# Every fault that the other lines of the same call do not name.
OTHERS: Faults = ()


@dataclass(frozen=True, slots=True)
class Line:
    """What some faults of a call come to."""

    faults: Faults
    seen: str
    stored: str
    then: str


# For each outside call, and the route that makes it.
TABLE: dict[tuple[str, str], tuple[Line, ...]] = {
    ("Face create", "create"): (
        Line(SLOW, CREATED, STARTED, GOES_ON),
        # The vault has no newer key, and is not asked for one again before that.
        Line((Fault.UNAUTHORIZED,), f"{FACE_REFUSED}, `Retry-After: 30`", NOTHING, AGAIN),
        Line(REFUSALS, FACE_REFUSED, NOTHING, AGAIN),
        Line(HALFWAY, FACE_UNAVAILABLE, NOTHING, ORPHAN),
        Line((Fault.THROTTLED_FOR,), f"{FACE_UNAVAILABLE}, `Retry-After: 7`", NOTHING, AGAIN),
        Line(OTHERS, FACE_UNAVAILABLE, NOTHING, AGAIN),
    ),
    ("Face get", "complete"): (
        Line(SLOW, TOLD_COMPLETED, COMPLETED, DONE),
        Line((Fault.NOT_FOUND,), TOLD_ABANDONED, ABANDONED, DONE),
        Line(OTHERS, TOLD_PROCESSING, PROCESSING, QUEUE),
    ),
    ("Face delete", "complete"): (
        Line(SLOW, TOLD_COMPLETED, COMPLETED, DONE),
        Line((Fault.NOT_FOUND,), TOLD_COMPLETED, COMPLETED, GONE),
        Line(OTHERS, TOLD_COMPLETED, LEFT_AT_FACE, CLEANUP),
    ),
    ("vault", "create"): (
        Line(SLOW, CREATED, STARTED, GOES_ON),
        # There is no secret that can be used, and it is not asked for again before that.
        Line(
            (Fault.NOT_FOUND, Fault.FOREIGN_NOT_FOUND, Fault.HUGE),
            f"{KEY_UNAVAILABLE}, `Retry-After: 30`",
            NOTHING,
            AGAIN,
        ),
        Line(OTHERS, KEY_UNAVAILABLE, NOTHING, AGAIN),
    ),
    ("vault", "complete"): (
        Line(SLOW, TOLD_COMPLETED, COMPLETED, DONE),
        Line(OTHERS, TOLD_PROCESSING, PROCESSING, QUEUE),
    ),
    ("identity", "create"): (
        Line(SLOW, CREATED, STARTED, GOES_ON),
        Line(OTHERS, KEY_UNAVAILABLE, NOTHING, AGAIN),
    ),
    ("identity", "complete"): (
        Line(SLOW, TOLD_COMPLETED, COMPLETED, DONE),
        Line(OTHERS, TOLD_PROCESSING, PROCESSING, QUEUE),
    ),
    ("table read", "create"): (
        Line(SLOW, CREATED, STARTED, GOES_ON),
        Line(OTHERS, STORE_UNAVAILABLE, NOTHING, AGAIN),
    ),
    ("table read", "complete"): (
        Line(SLOW, TOLD_COMPLETED, COMPLETED, DONE),
        # JSON, but no row of ours.
        Line((Fault.HUGE,), RECORD_CORRUPT, STARTED, SWEEP),
        Line(OTHERS, STORE_UNAVAILABLE, STARTED, SWEEP),
    ),
    ("table transaction", "create"): (
        Line((*SLOW, *HALFWAY), CREATED, STARTED, GOES_ON),
        Line(OTHERS, STORE_UNAVAILABLE, NOTHING, AGAIN),
    ),
    ("table transaction", "complete"): (
        Line(SLOW, TOLD_COMPLETED, COMPLETED, DONE),
        Line(HALFWAY, STORE_UNAVAILABLE, LEFT_AT_FACE, CLEANUP),
        Line(RACES, CONFLICT, STARTED, SWEEP),
        Line(OTHERS, STORE_UNAVAILABLE, STARTED, SWEEP),
    ),
    ("queue send", "complete"): (
        Line((*SLOW, *HALFWAY), TOLD_PROCESSING, PROCESSING, QUEUE),
        Line(OTHERS, TOLD_PROCESSING, PROCESSING, SWEEP),
    ),
}


NOBODY = "nobody sees it"
WALKED = KEPT = "picture stored, deleted at Face"
NO_PICTURE = "picture unavailable, deleted at Face"
PICTURE_AT_FACE = "picture pending, not deleted at Face"
UNASKED = "picture stored, not deleted at Face"
UNTOLD = "picture stored, no attributes, deleted at Face"
PURGED = NOTHING
SWEEP_KEEPS = "the sweep keeps it"
SWEEP_ASKS = "the sweep asks again"
SWEEP_PURGES = "the sweep purges it"
TOLD_IMAGE = "200, the picture"

# The same for pictures. What Face never gives is not waited for.
NEVER: Faults = (Fault.FORBIDDEN, Fault.NOT_FOUND)
IMAGE_TABLE: dict[tuple[str, str], tuple[Line, ...]] = {
    ("Face image", "walk"): (
        Line(SLOW, NOBODY, WALKED, DONE),
        Line((*NEVER, Fault.HUGE), NOBODY, NO_PICTURE, DONE),
        Line(OTHERS, NOBODY, PICTURE_AT_FACE, SWEEP_KEEPS),
    ),
    ("Face detect", "walk"): (
        Line(SLOW, NOBODY, WALKED, DONE),
        Line(NEVER, NOBODY, UNTOLD, DONE),
        Line(OTHERS, NOBODY, UNASKED, SWEEP_ASKS),
    ),
    ("image write", "walk"): (
        Line(SLOW, NOBODY, WALKED, DONE),
        Line(OTHERS, NOBODY, PICTURE_AT_FACE, SWEEP_KEEPS),
    ),
    ("image delete", "purge"): (
        Line((*SLOW, Fault.NOT_FOUND), NOBODY, PURGED, DONE),
        Line(OTHERS, NOBODY, KEPT, SWEEP_PURGES),
    ),
    ("image read", "image"): (
        Line(SLOW, TOLD_IMAGE, KEPT, DONE),
        Line((Fault.NOT_FOUND,), "404 `ImageNotFound`", KEPT, DONE),
        Line(OTHERS, STORE_UNAVAILABLE, KEPT, AGAIN),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What lasts beyond one call, and what it comes to."""

    what: str
    route: str
    when: str
    seen: str
    stored: str
    then: str


OPEN_CREATE, OPEN_GET = "open breaker, Face create", "open breaker, Face get"
NO_SECRET = "app secret"
STATES: tuple[State, ...] = (
    State(
        what=OPEN_CREATE,
        route="create",
        when="after failures",
        seen=f"{FACE_UNAVAILABLE}, at once",
        stored=NOTHING,
        then=AGAIN,
    ),
    State(
        what=OPEN_CREATE,
        route="create",
        when="after refusals",
        seen=f"{FACE_REFUSED}, at once",
        stored=NOTHING,
        then=AGAIN,
    ),
    State(
        what=OPEN_GET,
        route="complete",
        when="after either",
        seen=f"{TOLD_PROCESSING}, at once",
        stored=PROCESSING,
        then=QUEUE,
    ),
    State(
        what=NO_SECRET,
        route="create",
        when="absent",
        seen=f"{KEY_UNAVAILABLE}, `Retry-After: 30`",
        stored=NOTHING,
        then=AGAIN,
    ),
    State(
        what=NO_SECRET,
        route="complete",
        when="absent",
        seen=TOLD_COMPLETED,
        stored=COMPLETED,
        then=DONE,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fault of one call."""

    call: str
    route: str
    fault: Fault
    line: Line


def every_row(table: Mapping[tuple[str, str], tuple[Line, ...]] = TABLE) -> Iterator[Row]:
    """Give each fault of each call once."""
    for (call, route), lines in table.items():
        by_fault = {fault: line for line in lines for fault in line.faults}
        (others,) = (line for line in lines if line.faults is OTHERS)
        for fault in Fault:
            line = by_fault.get(fault, others)
            yield Row(call=call, route=route, fault=fault, line=line)
