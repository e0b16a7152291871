"""The demo tells what is so: who asked Face, what the frontend learns, and how it went wrong."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import StringIO

import pytest
import pytest_asyncio

from local.demo import demo
from local.demo.narrator import Narrator
from local.demo.terminal import WIDTH, Terminal
from tests.support.constants import RETENTION_SECONDS
from tests.support.world import World, eventually


@pytest_asyncio.fixture(autouse=True)
async def alone(world: World) -> None:
    """End what other tests have left: the demo cannot tell whose calls it sees at Face."""
    await world.queue.clear_messages()
    await eventually(world.messages, 0)
    await world.wait(RETENTION_SECONDS)
    await world.sweep()


async def tell(world: World, chapter: int) -> tuple[int, list[str]]:
    screen = StringIO()

    @asynccontextmanager
    async def stage(terminal: Terminal) -> AsyncIterator[Narrator]:
        yield Narrator(
            terminal=terminal,
            http=world.http,
            app_url=world.url,
            face_url=world.stack.face_url,
        )

    code = await demo.play(Terminal(stream=screen), chapter=chapter, stage=stage)
    return code, screen.getvalue().splitlines()


@pytest.mark.parametrize(
    ("chapter", "ending", "told"),
    [
        pytest.param(
            2,
            "rejected",
            [
                r" +for this the app asked Face: POST 200",
                r" +for this the app asked Face: GET 200, DELETE 204",
                r" +✓ the verdict: rejected, because Spoof",
            ],
            id="a call is credited with what Face was asked for it",
        ),
        pytest.param(
            7,
            "passed",
            [r" +queue +asks Face: (GET 503.*, )?GET 200, DELETE 204", r" +✓ the verdict: passed"],
            id="the queue is credited with what nobody called for",
        ),
        pytest.param(
            9, None, [r" +timer +asks Face: GET .*", r" +✓ no verdict"], id="and the timer likewise"
        ),
    ],
)
async def test_chapter_is_told_alone_with_the_right_credit_and_the_result_as_it_is(
    world: World, chapter: int, ending: str | None, told: list[str]
) -> None:
    code, lines = await tell(world, chapter)

    assert code == 0
    assert [line for line in lines if line[:1].isdecimal()] == [lines[2]]
    assert lines[2].startswith(f"{chapter}  ")
    for pattern in told:
        assert [line for line in lines if re.fullmatch(pattern, line)]
    assert sum("no frontend ever learns more" in line for line in lines) == (chapter != 9)
    block = lines[lines.index(f"{'':13}{{") : lines.index(f"{'':13}}}") + 1]
    assert json.loads("".join(block))["outcome"] == ending
    assert [line for line in lines if len(line) > WIDTH] == []


async def test_chapter_that_does_not_end_as_it_should_fails_the_demo_and_says_why(
    world: World,
) -> None:
    await world.fail("get", times=99, status=503)

    code, lines = await tell(world, 2)

    why = "what the frontend is told: expected ('completed', False), found ('processing', False)"
    assert (code, lines[-1]) == (1, f"The story went wrong: {why}")
