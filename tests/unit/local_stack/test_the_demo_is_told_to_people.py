import re
from io import StringIO

import pytest

from local.demo import demo
from local.demo.acts import Ending
from local.demo.story import CHAPTERS
from local.demo.summary import summarize
from local.demo.terminal import WIDTH, Terminal

SCREEN_LINES = 24


class Watched(StringIO):
    def isatty(self) -> bool:
        return True


def test_summary_of_every_chapter_fits_one_screen() -> None:
    widest = Ending("processing, completed", "untrusted", ("DifferentPerson",))
    calls = [{"status": status} for status in (200, 503, 503, 401)] * 10

    lines = list(summarize([(chapter, widest) for chapter in CHAPTERS], calls))

    assert len(lines) < SCREEN_LINES
    assert [line for line in lines if len(line) > WIDTH] == []


def test_summary_says_what_happened_what_the_frontend_saw_and_the_verdict() -> None:
    photo, gone = CHAPTERS[1], CHAPTERS[8]
    told = [(photo, Ending("completed", "rejected", ("Spoof",))), (gone, Ending("abandoned"))]

    lines = list(summarize(told, [{"status": 200}, {"status": 503}, {"status": 401}]))

    assert [re.split(" {2,}", line.strip()) for line in lines[:3]] == [
        ["what happens", "frontend sees", "verdict"],
        ["2 a photo before the camera", "completed", "rejected", "Spoof"],
        ["9 somebody walks away", "abandoned", "none"],
    ]
    assert "Face was asked 3 times (1 while away, 1 with the old key) and keeps nothing." in lines


@pytest.mark.parametrize(
    ("stream", "is_fast", "takes_time"),
    [(Watched(), False, True), (Watched(), True, False), (StringIO(), False, False)],
    ids=["a terminal", "a terminal, fast", "a pipe"],
)
def test_story_takes_time_only_where_somebody_watches_who_is_not_in_a_hurry(
    *, stream: StringIO, is_fast: bool, takes_time: bool
) -> None:
    assert (Terminal.of(stream, is_fast=is_fast).pause_seconds > 0) is takes_time


async def test_chapter_that_does_not_exist_is_an_error_that_names_the_others() -> None:
    screen = StringIO()

    code = await demo.play(Terminal(stream=screen), chapter=len(CHAPTERS) + 1)

    assert (code, screen.getvalue()) == (2, f"There are chapters 1 to {len(CHAPTERS)}.\n")
