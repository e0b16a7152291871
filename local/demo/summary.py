"""What the story came to, on one screen."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from local.demo.acts import Ending
from local.demo.story import Chapter
from local.ports import DEFAULT, HOST, Ports

_NEXT = f"""
Try it:    make run, and in another shell examples/check.sh spoofface
Build it:  README.md, "Integrate it in five steps"
See it:    make run, and in a browser http://{HOST}:{Ports(base=DEFAULT).page}
"""


def summarize(
    told: Sequence[tuple[Chapter, Ending]], face_calls: Iterable[Mapping[str, object]]
) -> Iterator[str]:
    """Give the lines of the summary of chapters that ended as they should."""
    yield _row("", "what happens", Ending("frontend sees", "verdict"))
    for chapter, ending in told:
        yield _row(str(chapter.number), chapter.gist, ending)
    yield ""
    yield "Each ended as it should."
    yield _of_face(face_calls)
    yield from _NEXT.splitlines()


def _row(number: str, gist: str, ending: Ending) -> str:
    reasons = ", ".join(ending.reasons)
    return f"{number:>2} {gist:<28}{ending.frontend_sees:<23}{ending.verdict:<11}{reasons}".rstrip()


def _of_face(calls: Iterable[Mapping[str, object]]) -> str:
    statuses = Counter(call["status"] for call in calls)
    away, old_key = statuses[503], statuses[401]
    troubles = [f"{away} while away"] * bool(away) + [f"{old_key} with the old key"] * bool(old_key)
    aside = f" ({', '.join(troubles)})" if troubles else ""
    return f"Face was asked {statuses.total()} times{aside} and keeps nothing."
