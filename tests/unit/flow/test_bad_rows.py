"""A row that cannot be read, or an alarm without its owner, stops nobody and does not stay."""

from datetime import datetime, timedelta

import pytest

from shared.errors import FaceUnavailableError
from shared.session.shard import SHARDS
from tests.support.builders import RETENTION, a_passing_answer, a_session
from tests.support.stage import STALE, Case, Stage

PASSED = ("completed", "passed")
ABANDONED = ("abandoned", None)
LONG_AGO = "2020-01-01T00:00:00.000Z"
END_OF_TIME = "9999-12-31T23:59:59.999Z"
AN_HOUR = timedelta(seconds=3601)

type Columns = dict[str, object]
BAD_ROWS: dict[str, Columns] = {
    "an unknown status": {"status": "nonsense"},
    "an unknown kind": {"kind": "iris"},
    "no Face session": {"faceSessionId": None},
    "a Face session that is a path": {"faceSessionId": "../../v1.2/largepersongroups/all"},
    "a picture that is a path": {"imageFaceImageId": "../detectLiveness-sessions/another"},
    "a number that is text": {"alarmDelays": "three"},
    "a flag that is text": {"atFace": "no"},
    "a text that is a number": {"person": 7},
    "a person without a name": {"person": ""},
    "a person of another shard": {"person": "e" * 64},
    "a key that no row can have": {"keyHash": "a/b?#"},
    "a date that is none": {"createdAt": "yesterday"},
    "a date without a zone": {"expiresAt": "2026-03-04T05:06:07"},
    "a final status without an end": {"status": "canceled"},
    "an outcome that is none": {"outcome": "splendid"},
}


@pytest.mark.parametrize("bad", BAD_ROWS.values(), ids=BAD_ROWS)
async def test_a_bad_row_is_set_aside_longer_and_longer_and_settled_once_repaired(
    stage: Stage, bad: Columns
) -> None:
    case, sound = [await stage.case(answer=a_passing_answer()) for _ in range(2)]
    good = stage.row(case.session_id)
    _write(stage, case, bad)

    await stage.sweep_after(STALE)
    delays = await _delays(stage, case)

    assert stage.ending(sound) == PASSED
    assert delays == sorted(set(delays))
    assert _told_about(stage, case) >= len(delays)
    _write(stage, case, {name: good.get(name) for name in bad})
    await stage.sweep_after(AN_HOUR, AN_HOUR)
    assert stage.ending(case) == PASSED
    assert stage.flaws == []


@pytest.mark.parametrize(
    "alarm_at",
    [None, "some day", 7, LONG_AGO, END_OF_TIME],
    ids=["no time", "no date", "a number", "long ago", "never"],
)
async def test_a_row_that_does_not_know_its_alarm_is_settled_all_the_same(
    stage: Stage, alarm_at: object
) -> None:
    case = await stage.case(answer=a_passing_answer())
    _write(stage, case, {"alarmAt": alarm_at})

    await stage.sweep_after(STALE, AN_HOUR, AN_HOUR)

    assert stage.ending(case) == PASSED
    assert stage.flaws == []


async def test_a_token_that_ends_with_time_itself_sets_its_session_aside(stage: Stage) -> None:
    case = await stage.case()
    good = stage.row(case.session_id)
    _write(stage, case, {"expiresAt": END_OF_TIME})

    await stage.sweep_after(STALE)
    delays = await _delays(stage, case)

    assert delays == sorted(set(delays))
    _write(stage, case, {"expiresAt": good["expiresAt"]})
    await stage.sweep_after(AN_HOUR, AN_HOUR)
    assert stage.ending(case) == ABANDONED


async def test_a_row_that_stays_bad_is_purged_as_if_its_check_had_ended_at_the_latest(
    stage: Stage,
) -> None:
    case = await stage.case(key="k" * 16)
    _write(stage, case, {"status": "nonsense"})
    await stage.sweep_after(STALE)

    await stage.sweep_after(timedelta(hours=47) + RETENTION)
    is_kept = f"session-{case.session_id}" in {row["RowKey"] for row in stage.rows}
    await stage.sweep_after(timedelta(hours=2))

    assert is_kept
    left = {row["RowKey"] for row in stage.rows}
    assert not any(key.endswith(case.session_id) for key in left if not key.startswith("p:"))
    assert not any(key.startswith("alarm-") for key in left)


async def test_a_row_repaired_from_a_backup_is_settled_too(stage: Stage) -> None:
    case = await stage.case(answer=a_passing_answer())
    backup = stage.row(case.session_id)
    _write(stage, case, {"status": "nonsense"})
    await stage.sweep_after(STALE, timedelta(seconds=200))

    stage.store.table.put(backup)
    await stage.sweep_after(AN_HOUR, AN_HOUR, AN_HOUR)

    assert stage.ending(case) == PASSED
    assert stage.flaws == []


@pytest.mark.parametrize("become", ["gone", "strange"])
async def test_no_row_of_a_ledger_holds_up_an_ending_or_a_purge(become: str, stage: Stage) -> None:
    case = await stage.case(key="k" * 16, answer=a_passing_answer())
    for row in stage.rows:
        if row["RowKey"].startswith(("p:", "answer-")):
            del stage.store.table.rows[row["PartitionKey"], row["RowKey"]]
            if become == "strange":
                keys = {name: row[name] for name in ("PartitionKey", "RowKey")}
                stage.store.table.put({**keys, "sessionId": 5, "endsAt": 7, "number": "x"})

    await stage.complete(stage.app, case)
    assert stage.ending(case) == PASSED
    await stage.sweep_after(timedelta(days=91))
    assert stage.rows == []


async def test_an_answer_that_never_parses_waits_longer_and_longer_until_face_forgets(
    stage: Stage,
) -> None:
    case, delays = await stage.case(), list[float]()
    stage.face.errors[case.session.face_session_id] = FaceUnavailableError("nonsense")

    for _ in range(4):
        # Face answers others.
        await stage.case(answer=a_passing_answer())
        stage.clock.moment = max(_alarm_at(stage, case), stage.clock.moment + STALE)
        await stage.process().sweep.run()
        delays.append(_seconds_left(stage, case))

    assert delays == [60, 120, 240, 300]
    assert stage.ending(case) == ("started", None)
    stage.clock.advance(timedelta(hours=48))
    await stage.process().sweep.run()
    assert stage.ending(case) == ABANDONED


@pytest.mark.parametrize(
    "key",
    [
        f"alarm-{LONG_AGO}-open-{'5' * 33}",
        f"alarm-{LONG_AGO}-record-{'ab' * 32}",
        f"alarm-{LONG_AGO}-record-",
        f"alarm-{LONG_AGO}-{'5' * 33}",
        f"alarm-{LONG_AGO}-",
        "alarm-",
        "alarm-!",
        "alarm-1",
        "alarm-0000-99-99T99:99:99.999Z-record-1",
    ],
    ids=[
        "of no session",
        "of no idempotency key",
        "of an empty idempotency key",
        "of no class",
        "of nobody",
        "without anything",
        "of a sign",
        "of a digit",
        "at no time",
    ],
)
async def test_an_orphaned_alarm_is_removed(stage: Stage, key: str) -> None:
    sound = await stage.case(answer=a_passing_answer())
    stage.store.table.put({"PartitionKey": "5", "RowKey": key})

    await stage.sweep_after(STALE)

    assert stage.ending(sound) == PASSED
    assert stage.flaws == []


@pytest.mark.parametrize("status", ["started", "completed"])
@pytest.mark.parametrize("shard", ["its own", "another"])
async def test_a_second_alarm_of_a_session_is_removed(
    stage: Stage, status: str, shard: str
) -> None:
    case = await stage.case()
    if status == "completed":
        stage.play(case, a_passing_answer())
        await stage.cancel(stage.process(), case)
    own = case.session_id[0]
    partition = own if shard == "its own" else SHARDS[SHARDS.index(own) - 1]
    key = f"alarm-{LONG_AGO}-open-{case.session_id}"
    stage.store.table.put({"PartitionKey": partition, "RowKey": key})

    await stage.sweep_after(timedelta(seconds=1))

    assert stage.ending(case)[0] == status
    assert stage.flaws == []


def _write(stage: Stage, case: Case, columns: Columns) -> None:
    row = {**stage.row(case.session_id), **columns}
    stage.store.table.put({name: value for name, value in row.items() if value is not None})


def _alarm_at(stage: Stage, case: Case) -> datetime:
    keys = [row["RowKey"] for row in stage.rows]
    (alarm,) = (key for key in keys if key.startswith("alarm-") and key.endswith(case.session_id))
    return datetime.fromisoformat(alarm[6:30])


def _seconds_left(stage: Stage, case: Case) -> float:
    return (_alarm_at(stage, case) - stage.clock.moment).total_seconds()


async def _delays(stage: Stage, case: Case) -> list[float]:
    """Sweep at each of the next alarms of a session, and tell by how much each was moved."""
    delays = list[float]()
    for _ in range(3):
        delays.append(_seconds_left(stage, case))
        await stage.sweep_after(timedelta(seconds=max(delays[-1], 0)))
    return delays


def _told_about(stage: Stage, case: Case) -> int:
    events = (*stage.events.named("session set aside"), *stage.events.named("session failed"))
    return sum(facts["session_id"] == case.session_id for facts in events)


async def test_an_ending_keeps_what_a_later_version_has_written(stage: Stage) -> None:
    stage.at(a_session(unknown_columns={"later": "x"}, schema_version=9), a_passing_answer())

    await stage.complete_it()

    (row,) = (row for row in stage.rows if row["RowKey"].startswith("session-"))
    assert (row["status"], row["later"], row["schemaVersion"]) == ("completed", "x", 9)
