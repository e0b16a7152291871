"""A person is erased: nothing of them is left but a receipt that names nobody."""

import json
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest

from shared.errors import FaceUnavailableError, PersonBeingErasedError, ReceiptNotFoundError
from shared.flow.erasure import Erasure
from shared.session.erasure import ErasureStatus
from shared.session.person import Person, PersonKind
from shared.session.shard import PersonHash
from shared.store.erasure_store import ErasureStore
from tests.support.builders import a_passing_answer, a_request
from tests.support.stage import Stage

if TYPE_CHECKING:
    from shared.store.table import StorageTable

USER = Person(kind=PersonKind.USER, id="user-0")


@pytest.fixture
def stage() -> Stage:
    return Stage()


def erasure_of(stage: Stage) -> Erasure:
    app = stage.app
    return Erasure(
        seals=app.persons.seals,
        store=stage.store,
        erasures=ErasureStore(cast("StorageTable", stage.store.table)),
        walk=app.sweep.walk,
        images=app.sweep.walk.images,
        retention=timedelta(days=30),
        now=stage.clock,
        random_bytes=secrets.token_bytes,
        log=stage.events,
    )


async def hash_of(stage: Stage) -> PersonHash:
    sealer = await stage.app.persons.seals.get()
    return sealer.hash_person(USER.kind, USER.id)


async def test_after_two_passes_nothing_is_left_but_the_receipt(stage: Stage) -> None:
    opened = await stage.case(key="k" * 16)
    ended = await stage.case(answer=a_passing_answer())
    await stage.complete(stage.app, ended)
    others = len(stage.rows_of(ended))
    await stage.app.persons.unlock(USER)
    erasure, person = erasure_of(stage), await hash_of(stage)

    receipt = await erasure.begin(USER)
    again = await erasure.begin(USER)
    await erasure.carry_on(person)
    between = await erasure.find(receipt.receipt_id)
    stage.clock.advance(timedelta(minutes=1))
    await erasure.carry_on(person)
    after = await erasure.find(receipt.receipt_id)

    assert again.receipt_id == receipt.receipt_id
    assert (receipt.sessions, between.status) == (1, ErasureStatus.ERASING)
    assert (after.status, after.erased_at) == (ErasureStatus.ERASED, stage.clock())
    text = json.dumps(stage.rows)
    assert person not in text
    assert opened.session_id not in text
    assert len(stage.rows_of(ended)) == others
    assert sum(row["RowKey"].startswith("receipt-") for row in stage.rows) == 1


async def test_a_person_who_is_being_erased_starts_nothing_but_others_do(stage: Stage) -> None:
    erasure, person = erasure_of(stage), await hash_of(stage)
    await erasure.begin(USER)

    with pytest.raises(PersonBeingErasedError) as caught:
        await stage.case()
    await stage.app.start.start(a_request(user="somebody-else"), None)
    stage.clock.advance(timedelta(minutes=1))
    await erasure.carry_on(person)

    assert caught.value.retry_after_seconds == 60


async def test_while_face_is_away_nothing_is_said_to_be_erased(stage: Stage) -> None:
    await stage.case()
    erasure, person = erasure_of(stage), await hash_of(stage)
    receipt = await erasure.begin(USER)
    stage.faults.fail_next("delete", *[FaceUnavailableError("away")] * 2)

    stage.clock.advance(timedelta(minutes=1))
    with pytest.raises(FaceUnavailableError):
        await erasure.carry_on(person)

    assert (await erasure.find(receipt.receipt_id)).status is ErasureStatus.ERASING


async def test_a_receipt_that_nobody_was_given_is_not_found(stage: Stage) -> None:
    for unknown in ("0" * 33, "no receipt"):
        with pytest.raises(ReceiptNotFoundError):
            await erasure_of(stage).find(unknown)
