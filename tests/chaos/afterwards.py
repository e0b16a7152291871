"""Does it work again: checks that begin when the faults are over, and what each costs at Face."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.chaos import frontends
from tests.chaos.findings import Findings
from tests.chaos.history import History
from tests.chaos.scripts import Play, Report, Script
from tests.chaos.system import System

_CHECKS = 6
_PAUSE_SECONDS = 1.0
# A refused key is let alone for 30 s, and so long at most a throttled Face.
_MAX_RECOVERIES = 90
_MAX_DELETES = 2
_CREATED, _OK = 201, 200

type Call = dict[str, Any]


async def check(system: System, findings: Findings) -> list[History]:
    """Have the app recover, then run honest checks, one after the other."""
    first = await _recover(system)
    findings.check(first, "it works again once the faults are over")
    since = len(await _list_calls(system))
    histories = [_begin(number) for number in range(_CHECKS)]
    for history in histories:
        await frontends.act(system, history)
        findings.check(
            _is_answered_at_once(history), "a check after the faults is answered at once",
            [*history.lines()],
        )  # fmt: skip
    await _wait_until_deleted(system, histories)
    calls = (await _list_calls(system))[since:]
    _check_calls(calls, histories, findings)
    return [*first, *histories]


async def _recover(system: System) -> list[History]:
    """Run checks until one after the other works on every host: none if that never comes."""
    wanted = 2 * len(system.host.urls)
    done: list[History] = []
    for number in range(_MAX_RECOVERIES):
        done.append(_begin(-1 - number))
        await frontends.act(system, done[-1])
        if all(map(_is_answered_at_once, done[-wanted:])) and len(done) >= wanted:
            return done
        await asyncio.sleep(_PAUSE_SECONDS)
    return []


def _is_answered_at_once(history: History) -> bool:
    told = [(one.act, one.status, one.told) for one in history.asked]
    return told == [("create", _CREATED, None), ("complete", _OK, "completed")]


async def _wait_until_deleted(system: System, histories: Sequence[History]) -> None:
    ids = {opened.face_session_id for history in histories for opened in history.opened}
    for _ in range(_MAX_RECOVERIES):
        _, alive = await system.control("GET", "sessions")
        if not ids & {one["sessionId"] for one in alive}:
            return
        await asyncio.sleep(_PAUSE_SECONDS)


async def _list_calls(system: System) -> list[Call]:
    _, calls = await system.control("GET", "requests")
    return list(calls)


def _check_calls(calls: Sequence[Call], histories: Sequence[History], findings: Findings) -> None:
    creates = sum(call["method"] == "POST" for call in calls)
    findings.check(creates == len(histories), "a create is one call to Face", creates)
    for history in histories:
        for opened in history.opened:
            own = [call for call in calls if opened.face_session_id in str(call["path"])]
            count = Counter(str(call["method"]) for call in own)
            cheap = count["GET"] == 1 and 1 <= count["DELETE"] <= _MAX_DELETES
            findings.check(cheap, "a check is one look and its deletes", own, opened.session_id)


def _begin(number: int) -> History:
    script = Script(
        number=number,
        recipe="afterwards",
        starts_at=0,
        with_verify=False,
        person=f"afterwards-{number}",
        by_user=True,
        with_image=False,
        key=None,
        creates_at_once=1,
        patience=20,
        token_seconds=600,
        steps=(Play(outcome="realface"), Report(digest="right", insists=0)),
    )
    return History(script=script)
