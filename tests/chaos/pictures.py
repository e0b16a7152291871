"""What must hold of pictures: one for each session that kept one, and that session's own."""

from collections.abc import Mapping, Sequence

from tests.chaos.findings import Findings
from tests.chaos.tables import by_kind
from tests.chaos.watcher import Row

_REFUSED = 400


def check(
    pictures: Mapping[str, bytes],
    rows: Sequence[Row],
    requests: Sequence[Mapping[str, object]],
    findings: Findings,
) -> None:
    """Check what is stored against what is recorded, and what is missing against Face's word."""
    sessions = {row["RowKey"].removeprefix("session-"): row for row in by_kind(rows, "session")}
    refused = {
        str(call["path"]).rpartition("/")[2]
        for call in requests
        if "sessionImages" in str(call["path"]) and _is_refusal(call["status"])
    }
    for session_id, row in sessions.items():
        state, wanted = row.get("imageState", "none"), row.get("imageIsWanted", False)
        is_there = session_id in pictures
        findings.check(
            is_there == (state == "stored"), "a picture is there if it was kept", state, session_id
        )
        findings.check(
            wanted or state == "none", "nobody keeps a picture unasked", state, session_id
        )
        if wanted and _has_decision(row):
            kept = state == "stored" or row.get("imageFaceImageId") in refused
            findings.check(kept, "only Face's word loses a picture", row, session_id)
    for session_id, picture in pictures.items():
        face_id = sessions.get(session_id, {}).get("faceSessionId", "?")
        own = f"session {face_id} attempt".encode() in picture
        findings.check(own, "a picture is its own session's", face_id, session_id)


def _is_refusal(status: object) -> bool:
    return isinstance(status, int) and status >= _REFUSED


def _has_decision(row: Row) -> bool:
    return "livenessDecision" in row
