"""A person is erased: nothing of them is left but a receipt that names nobody."""

import asyncio
import contextlib
import json
from datetime import timedelta

import pytest

from shared.errors import (
    EventsUnavailableError,
    FaceUnavailableError,
    PersonBeingErasedError,
    ReceiptNotFoundError,
    StoreConflictError,
    StoreUnavailableError,
    UnreadableRecordError,
)
from shared.session.erasure import ErasureStatus
from shared.session.person import Person, PersonKind
from tests.support.builders import a_passing_answer, a_request, an_answer, an_attempt
from tests.support.fakes import FakeTopic
from tests.support.faults import Crash, Faults
from tests.support.stage import Case, Stage, end_of

USER = Person(kind=PersonKind.USER, id="user-0")
MINUTE = timedelta(minutes=1)


async def hash_of(stage: Stage) -> str:
    sealer = await stage.app.persons.seals.get()
    return sealer.hash_person(USER.kind, USER.id)


async def sessions_of_a_person(stage: Stage) -> list[Case]:
    """Give the person an open session, one that failed, one with a picture, and an unlock."""
    opened = await stage.case(key="k" * 16)
    request = a_request(user=USER.id)
    cases = [opened]
    for answer in (an_answer(an_attempt(liveness_decision="spoofface")), a_passing_answer()):
        started = await stage.process().start.start(request, None)
        case = Case(request=request, key=None, started=started)
        stage.play(case, answer)
        await stage.complete(stage.process(), case)
        stage.images.images[case.session_id] = b"picture"
        cases.append(case)
    await stage.process().persons.unlock(USER)
    return cases


async def assert_that_nothing_is_left(stage: Stage, cases: list[Case]) -> None:
    text = json.dumps([stage.rows, sorted(stage.images.images)], default=str)
    assert await hash_of(stage) not in text
    assert [case for case in cases if case.session_id in text] == []
    assert stage.face.alive.isdisjoint(case.session.face_session_id for case in cases)
    assert stage.flaws == []


async def test_after_two_passes_nothing_is_left_but_a_receipt_that_goes_too(stage: Stage) -> None:
    cases = await sessions_of_a_person(stage)
    other = await stage.case()
    of_another = stage.rows_of(other)

    receipt = await stage.process().erasure.erase(USER)
    again = await stage.process().erasure.erase(USER)
    between = await stage.process().erasure.find(receipt.receipt_id)
    await stage.sweep_after(MINUTE)
    after = await stage.process().erasure.find(receipt.receipt_id)

    assert again.receipt_id == receipt.receipt_id
    assert (receipt.sessions, receipt.status) == (3, ErasureStatus.ERASING)
    assert (between.status, after.status) == (ErasureStatus.ERASING, ErasureStatus.ERASED)
    assert after.erased_at == stage.clock()
    await assert_that_nothing_is_left(stage, cases)
    assert stage.rows_of(other) == of_another
    await stage.sweep_after(MINUTE, timedelta(days=91))
    with pytest.raises(ReceiptNotFoundError):
        await stage.process().erasure.find(receipt.receipt_id)


async def test_what_the_first_pass_could_not_know_of_goes_in_the_second(stage: Stage) -> None:
    await stage.process().erasure.erase(USER)
    marks = [key for key in stage.store.table.rows if key[1].endswith(":3-erasure")]
    mark = stage.store.table.rows.pop(marks[0])
    late = await stage.case()  # has read the ledger before the mark was there
    stage.store.table.rows[marks[0]] = mark

    await stage.sweep_after(MINUTE)

    await assert_that_nothing_is_left(stage, [late])


async def test_a_person_who_is_being_erased_starts_nothing_but_others_do(stage: Stage) -> None:
    await stage.process().erasure.erase(USER)

    with pytest.raises(PersonBeingErasedError) as caught:
        await stage.case()
    await stage.process().start.start(a_request(user="somebody-else"), None)
    await stage.sweep_after(MINUTE)
    await stage.case()

    assert caught.value.retry_after_seconds == 60


async def test_while_face_is_away_nothing_is_said_to_be_erased(stage: Stage) -> None:
    cases = [await stage.case()]
    stage.faults.fail("delete", FaceUnavailableError("away"))
    receipt = await stage.app.erasure.erase(USER)

    stage.clock.advance(MINUTE)
    await stage.app.sweep.run()
    held_up = await stage.process().erasure.find(receipt.receipt_id)
    await stage.sweep_after(timedelta(minutes=5))

    assert held_up.status is ErasureStatus.ERASING
    assert (await stage.process().erasure.find(receipt.receipt_id)).status is ErasureStatus.ERASED
    await assert_that_nothing_is_left(stage, cases)


async def test_a_record_that_nobody_can_read_is_erased_by_its_key(stage: Stage) -> None:
    cases = await sessions_of_a_person(stage)
    stage.store.table.put({**stage.row(cases[1].session_id), "status": "?"})

    receipt = await stage.process().erasure.erase(USER)
    await stage.sweep_after(MINUTE)

    assert receipt.sessions == len(cases)
    await assert_that_nothing_is_left(stage, cases)


async def test_more_than_can_be_removed_at_once_are_left_to_the_sweep(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.flow.erasure._MAX_AT_ONCE", 1)
    cases = await sessions_of_a_person(stage)

    await stage.process().erasure.erase(USER)
    untouched = len(stage.session_rows)
    await stage.sweep_after(timedelta(0), MINUTE)

    assert untouched == len(cases)
    await assert_that_nothing_is_left(stage, cases)


async def test_the_event_names_nobody_and_is_sent_again_until_it_is_taken(stage: Stage) -> None:
    stage.topic = FakeTopic()
    await stage.case()
    receipt = await stage.app.erasure.erase(USER)
    stage.faults.fail_next("send_erasure", EventsUnavailableError("away"))

    stage.clock.advance(MINUTE)
    for _ in range(4):
        await stage.app.sweep.run()

    (told,) = stage.topic.erased
    assert (told.receipt_id, told.sessions, told.erased_at) == (
        receipt.receipt_id,
        1,
        stage.clock(),
    )
    assert stage.flaws == []


@pytest.mark.parametrize("call", range(1, 40))
async def test_whoever_dies_amid_it_leaves_it_to_the_next(stage: Stage, call: int) -> None:
    async def die(_: str) -> None:
        raise Crash

    stage.topic = FakeTopic()
    cases = await sessions_of_a_person(stage)
    dying = stage.process(Faults(call, die))

    ends = [await end_of(dying.erasure.erase(USER))]
    stage.clock.advance(MINUTE)
    with contextlib.suppress(BaseExceptionGroup, Crash):
        await dying.sweep.run()
    if isinstance(ends[0], Crash):
        await stage.process().erasure.erase(USER)
    await stage.sweep_after(*[timedelta(minutes=2)] * 4)

    await assert_that_nothing_is_left(stage, cases)
    assert len(stage.topic.erased) >= 1
    assert {one.receipt_id for one in stage.topic.erased} == {
        row["RowKey"].removeprefix("receipt-") for row in stage.rows if "erasedAt" in row
    }


async def test_two_who_erase_at_once_get_one_receipt(stage: Stage) -> None:
    await stage.case()

    receipts = await asyncio.gather(*(stage.process().erasure.erase(USER) for _ in range(2)))

    assert receipts[0].receipt_id == receipts[1].receipt_id
    assert sum(row["RowKey"].startswith("receipt-") for row in stage.rows) == 1


async def test_a_session_that_comes_amid_a_pass_is_found_by_the_next(stage: Stage) -> None:
    first = await stage.case()
    before = set(stage.store.table.rows)
    request = a_request(user=USER.id)
    started = await stage.process().start.start(request, None)
    late = Case(request=request, key=None, started=started)
    table = stage.store.table
    its_own = {place: table.rows.pop(place) for place in set(table.rows) - before}
    stage.faults.fail_next("purge", lambda: table.rows.update(its_own))

    await stage.app.erasure.erase(USER)
    await stage.sweep_after(MINUTE)

    await assert_that_nothing_is_left(stage, [first, late])


async def test_a_pass_that_begins_within_the_minute_is_not_the_last_however_long_it_takes(
    stage: Stage,
) -> None:
    await stage.case()
    stage.faults.fail_next("purge", lambda: stage.clock.advance(2 * MINUTE))

    receipt = await stage.app.erasure.erase(USER)
    found = await stage.process().erasure.find(receipt.receipt_id)

    assert found.status is ErasureStatus.ERASING


async def test_a_session_that_cannot_go_keeps_no_other(stage: Stage) -> None:
    cases = await sessions_of_a_person(stage)
    stage.faults.fail_next("purge", StoreUnavailableError("down"))

    await stage.app.erasure.erase(USER)

    assert len(stage.session_rows) == 1
    await stage.sweep_after(MINUTE)
    await assert_that_nothing_is_left(stage, cases)


async def test_an_alarm_without_a_mark_or_a_receipt_goes(stage: Stage) -> None:
    for owner in (f"p:{await hash_of(stage)}:3-erasure", f"receipt-{'0' * 33}"):
        key = f"alarm-2026-01-01T00:00:00.000Z-erasure-{owner}"
        stage.store.table.put({"PartitionKey": (await hash_of(stage))[0], "RowKey": key})

    await stage.sweep_after(timedelta(0))

    assert stage.rows == []


async def test_an_alarm_of_another_time_than_the_marks_is_passed_over(stage: Stage) -> None:
    await stage.process().erasure.erase(USER)
    person = await hash_of(stage)
    key = f"alarm-2026-01-01T00:00:00.000Z-erasure-p:{person}:3-erasure"
    stage.store.table.put({"PartitionKey": person[0], "RowKey": key})
    before = stage.rows

    await stage.sweep_after(timedelta(0))

    assert stage.rows == before


async def test_a_person_whose_mark_comes_and_goes_is_for_the_operator_to_try_again(
    stage: Stage,
) -> None:
    stage.faults.fail_next("insert_mark", StoreConflictError("changed"))

    with pytest.raises(StoreUnavailableError):
        await stage.app.erasure.erase(USER)


async def test_a_session_that_is_purged_meanwhile_holds_nothing_up(stage: Stage) -> None:
    case = await stage.case(answer=a_passing_answer())
    await stage.complete(stage.process(), case)
    session = stage.store.sessions[case.session_id]
    table = stage.store.table
    stage.faults.fail_next(
        "load", lambda: table.rows.pop((session.session_id[0], f"session-{session.session_id}"))
    )

    receipt = await stage.app.erasure.erase(USER)
    stage.store.table.rows = {
        place: row for place, row in table.rows.items() if case.session_id not in place[1]
    }
    await stage.sweep_after(MINUTE)

    assert (await stage.process().erasure.find(receipt.receipt_id)).status is ErasureStatus.ERASED


async def test_what_face_has_forgotten_needs_no_face_to_go(stage: Stage) -> None:
    cases = [await stage.case()]
    stage.faults.fail("delete", FaceUnavailableError("away"))
    stage.clock.advance(timedelta(hours=49))

    await stage.app.erasure.erase(USER)
    stage.clock.advance(MINUTE)
    await stage.app.sweep.run()

    assert cases[0].session_id not in json.dumps(stage.rows)


async def test_a_store_that_fails_amid_the_first_pass_leaves_it_to_the_alarm(stage: Stage) -> None:
    cases = await sessions_of_a_person(stage)
    stage.faults.fail_next("delete_ledger", StoreUnavailableError("down"))

    receipt = await stage.app.erasure.erase(USER)
    await stage.sweep_after(MINUTE)

    assert (await stage.process().erasure.find(receipt.receipt_id)).status is ErasureStatus.ERASED
    await assert_that_nothing_is_left(stage, cases)


async def test_a_receipt_that_nobody_was_given_is_not_found(stage: Stage) -> None:
    for unknown in ("0" * 33, "no receipt"):
        with pytest.raises(ReceiptNotFoundError):
            await stage.process().erasure.find(unknown)


async def test_a_mark_or_a_receipt_that_nobody_can_read_is_said_to_be_that(stage: Stage) -> None:
    receipt = await stage.process().erasure.erase(USER)
    for row in stage.rows:
        if row["RowKey"].startswith(("receipt-", "p:")):
            stage.store.table.put({**row, "begunAt": "?"})

    with pytest.raises(UnreadableRecordError):
        await stage.process().erasure.erase(USER)
    with pytest.raises(UnreadableRecordError):
        await stage.process().erasure.find(receipt.receipt_id)
