"""What must hold of Face's sessions that no record names: each is of a create that failed."""

from collections import Counter
from collections.abc import Sequence

from local import json_file
from shared.session.ids import SessionId
from tests.chaos.findings import Findings
from tests.chaos.history import History
from tests.chaos.system import System
from tests.chaos.tables import by_kind
from tests.chaos.watcher import Row
from tests.support.seals import sealer_of


def check(
    orphans: Sequence[str],
    rows: Sequence[Row],
    histories: Sequence[History],
    system: System,
    findings: Findings,
) -> None:
    """Check that no create made two, and that nobody was told of one."""
    sealer = sealer_of(system.stack.state)
    asked, made = Counter[str](), Counter[str]()
    for history in histories:
        for one in history.asked:
            if one.act == "create":
                asked[_device_of(history, one.key)] += 1
    for row in by_kind(rows, "session"):
        session_id = SessionId(row["RowKey"].removeprefix("session-"))
        made[sealer.open_id(row["sealedDeviceCorrelationId"], session_id=session_id)] += 1
    for face_id in orphans:
        made[_device_at_face(face_id, system)] += 1
    for device, count in made.items():
        findings.check(count <= asked[device], "a create asks Face for one session", device)
    told = {opened.face_session_id for history in histories for opened in history.opened}
    for face_id in orphans:
        findings.check(face_id not in told, "nobody is told of an orphan", face_id)


def _device_at_face(face_id: str, system: System) -> str:
    # No call tells it, but the simulator writes its sessions down.
    facts = json_file.read(system.stack.state / "face" / f"{face_id}.json")
    return str(facts["request"]["device_correlation_id"])


def _device_of(history: History, key: str | None) -> str:
    script = history.script
    return (key or f"device-{script.number}") if script.by_user else script.person
