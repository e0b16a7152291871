"""`python -m local demo`: tells the story, or one chapter of it, and sums it up."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

import aiohttp

from local.demo import story
from local.demo.narrator import Narrator, StoryError
from local.demo.stage import open_stage
from local.demo.story import Chapter
from local.demo.summary import summarize
from local.demo.terminal import Terminal
from local.ports import StackError

type Stage = Callable[[Terminal], AbstractAsyncContextManager[Narrator]]

_GOOD, _BAD, _NO_SUCH_CHAPTER = 0, 1, 2


async def play(terminal: Terminal, *, chapter: int | None = None, stage: Stage = open_stage) -> int:
    """Tell all chapters, or this one; return 0 if each ended as it should."""
    chapters = [each for each in story.CHAPTERS if chapter in {None, each.number}]
    if not chapters:
        await terminal.show(f"There are chapters 1 to {len(story.CHAPTERS)}.")
        return _NO_SUCH_CHAPTER
    try:
        await _tell(terminal, chapters, stage)
    except (StoryError, StackError, aiohttp.ClientError, TimeoutError) as error:
        await terminal.show(f"\nThe story went wrong: {error or type(error).__name__}")
        return _BAD
    return _GOOD


async def _tell(terminal: Terminal, chapters: Sequence[Chapter], stage: Stage) -> None:
    await terminal.show("Face Liveness Functions, on this machine, with no Azure account.", "bold")
    async with stage(terminal) as narrator:
        endings = await story.tell(narrator, chapters)
        lines = summarize(
            list(zip(chapters, endings, strict=True)), await narrator.list_face_calls()
        )
    terminal.write("\n" + "".join(f"{line}\n" for line in lines))
