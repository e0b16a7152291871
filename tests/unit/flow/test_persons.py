"""What operators are told of a person."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import InvalidRequestError, UnreadableRecordError
from shared.flow.persons import SessionPage
from shared.session.person import Person, PersonKind
from shared.session.session import Outcome
from tests.support.builders import a_passing_answer, a_request, an_answer, an_attempt
from tests.support.stage import SETTINGS, Case, Stage

USER = Person(kind=PersonKind.USER, id="user-1")
UNLIMITED = replace(SETTINGS, max_open_sessions=0, max_starts_per_hour=0)


@pytest.fixture
def stage() -> Stage:
    return Stage(settings=UNLIMITED)


async def start(stage: Stage, user: str = USER.id) -> Case:
    stage.clock.advance(timedelta(seconds=1))
    request = a_request(user=user)
    return Case(request=request, key=None, started=await stage.app.start.start(request, None))


async def walk(stage: Stage, person: Person) -> list[SessionPage]:
    pages = [await stage.app.persons.list_sessions(person, None)]
    while continuation := pages[-1].continuation:
        pages.append(await stage.app.persons.list_sessions(person, continuation))
    return pages


def ids_of(pages: list[SessionPage]) -> list[str]:
    return [session.session_id for page in pages for session in page.sessions]


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, [0]), (50, [50]), (51, [50, 1]), (120, [50, 50, 20])]
)
async def test_a_persons_sessions_come_once_each_the_newest_first(
    stage: Stage, count: int, sizes: list[int]
) -> None:
    cases = [await start(stage) for _ in range(count)]
    await start(stage, "somebody-else")

    pages = await walk(stage, USER)

    assert [len(page.sessions) for page in pages] == sizes
    assert ids_of(pages) == [case.session_id for case in reversed(cases)]


async def test_ends_take_no_place_in_a_page(stage: Stage) -> None:
    cases = [await start(stage) for _ in range(51)]
    for case in cases:
        stage.play(case, a_passing_answer())
        await stage.complete(stage.app, case)

    pages = await walk(stage, USER)

    assert ids_of(pages) == [case.session_id for case in reversed(cases)]
    assert {one.verdict and one.verdict.outcome for one in pages[0].sessions} == {Outcome.PASSED}
    assert [len(page.sessions) for page in pages] == [50, 1]


async def test_a_purge_between_two_pages_hides_no_other(stage: Stage) -> None:
    cases = [await start(stage) for _ in range(60)]
    page = await stage.app.persons.list_sessions(USER, None)
    gone = page.sessions[-1]
    await stage.store.purge(stage.store.sessions[gone.session_id])

    rest = await stage.app.persons.list_sessions(USER, page.continuation)

    assert ids_of([rest]) == [case.session_id for case in reversed(cases[:10])]


async def test_a_forged_pass_is_in_no_list(stage: Stage) -> None:
    case = await start(stage)
    stage.play(case, an_answer(an_attempt(liveness_decision="spoofface")))
    await stage.complete(stage.app, case)
    stage.store.table.put(stage.row(case.session_id) | {"outcome": "passed", "reasons": ""})

    with pytest.raises(UnreadableRecordError):
        await stage.app.persons.list_sessions(USER, None)


@pytest.mark.parametrize("other", [PersonKind.DEVICE, PersonKind.USER])
async def test_another_persons_continuation_is_refused(stage: Stage, other: PersonKind) -> None:
    for _ in range(51):
        await start(stage)
    page = await stage.app.persons.list_sessions(USER, None)
    somebody = Person(kind=other, id="user-1" if other is PersonKind.DEVICE else "user-2")

    with pytest.raises(InvalidRequestError) as caught:
        await stage.app.persons.list_sessions(somebody, page.continuation)

    assert caught.value.target == "continuation"
