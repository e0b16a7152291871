"""What is recorded of the attempts of a check: the whole story, in the order of their numbers."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from shared.session.face_answer import Attempt, FaceStatus

# A column holds 32,768 UTF-16 units: https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model#property-types
_MAX_UNITS = 32_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedAttempt:
    """One try of the device, as Face told it."""

    attempt_id: int | None = None
    status: FaceStatus | None = None
    liveness_decision: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    face_rectangle: Mapping[str, int] | None = None


def record_attempts(attempts: Iterable[Attempt]) -> tuple[RecordedAttempt, ...]:
    """Record all attempts, the oldest first; where they are too many, the latest."""
    kept: list[RecordedAttempt] = []
    left = _MAX_UNITS
    # Where Face numbers them strangely, their order in its answer still changes nothing.
    known = sorted(map(_record, attempts), key=lambda one: (one[0].attempt_id or 0, one[1]))
    for recorded, written in reversed(known):
        left -= len(written) + 1
        if left < 0:
            break
        kept.append(recorded)
    return tuple(reversed(kept))


def _record(attempt: Attempt) -> tuple[RecordedAttempt, str]:
    recorded = RecordedAttempt(
        attempt_id=attempt.attempt_id,
        status=attempt.status,
        liveness_decision=attempt.liveness_decision,
        error_code=attempt.error_code,
        error_message=attempt.error_message,
        face_rectangle=attempt.face_rectangle,
    )
    # In ASCII, so that it is never shorter than what is stored.
    return recorded, json.dumps(asdict(recorded))
