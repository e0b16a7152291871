"""What the page tells of the host's log and of the simulators' calls, and whom it credits."""

import json
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from local.web.happenings import Happening, Run, Told, tell_of_control, tell_of_line
from local.web.host_log import HostLog, Line
from local.web.timeline import Timeline

SESSION = "6abf32427d158074fe8db91f3d5250e9f"
HOST = "local.functions_host.http_front"
APP = "face_liveness"


def line(message: str, *, logger: str = HOST, time: float = 100.0) -> Line:
    return Line(time=time, logger=logger, message=message)


def write(path: Path, *lines: Line) -> None:
    with path.open("a", encoding="utf-8") as file:
        for one in lines:
            facts = {"time": one.time, "logger": one.logger, "message": one.message}
            file.write(json.dumps(facts) + "\n")


@pytest.mark.parametrize(
    ("message", "actor", "text", "credit"),
    [
        ("POST /api/sessions 201 500ms", "server", "POST /api/sessions", "create"),
        (
            f"POST /api/sessions/{SESSION}/complete 202 500ms",
            "frontend",
            "POST /api/sessions/6abf32…/complete",
            "complete",
        ),
        (f"DELETE /api/sessions/{SESSION} 204 500ms", "frontend", None, "cancel"),
        (f"GET /api/sessions/{SESSION} 200 500ms", "frontend", None, None),
        (f"GET /api/sessions/{SESSION}/result 409 500ms", "server", None, None),
        ("POST /admin/functions/sweep_stale_sessions 202 500ms", "operator", None, None),
        ("record_result succeeded in 500ms", "queue", "record_result ran", "the queue"),
        ("sweep_stale_sessions failed after 500ms: x", "timer", None, "the sweep"),
    ],
)
def test_line_of_the_host_tells_who_called_since_when_and_for_whom_face_is_asked(
    message: str, actor: str, text: str | None, credit: str | None
) -> None:
    told = tell_of_line(line(message))

    (happening,) = [one for one in told if isinstance(one, Happening)]
    assert (happening.actor, happening.time, happening.took_ms) == (actor, 99.5, 500)
    assert text in {None, happening.text}
    runs = [Run(began=99.5, ended=100.0, by=credit)] if credit else []
    assert [one for one in told if isinstance(one, Run)] == runs


@pytest.mark.parametrize(
    "message",
    [
        "GET /api/health 200 1ms",
        f"OPTIONS /api/sessions/{SESSION} 204 0ms",
        "listening on http://x",
    ],
)
def test_line_that_belongs_to_no_check_is_not_told(message: str) -> None:
    assert tell_of_line(line(message)) == []


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            f'session ended sessionId="{SESSION}" kind="liveness" outcome="rejected"',
            ["session ended: rejected"],
        ),
        (f'session started sessionId="{SESSION}" kind="liveness"', ["session started"]),
        ('sweep ended due="2" settled="0" abandoned="2"', ["sweep ended: due 2, abandoned 2"]),
        ('sweep ended due="0" settled="0" oldestSeconds="0"', []),
    ],
)
def test_event_of_the_app_is_told_in_few_words(message: str, told: list[str]) -> None:
    happenings: list[Told] = tell_of_line(line(message, logger=APP))

    assert [one.text for one in happenings if isinstance(one, Happening)] == told


@pytest.mark.parametrize(
    ("method", "name", "body", "told"),
    [
        ("POST", "attempts", {"outcome": "spoofface"}, ("device", "plays spoofface")),
        (
            "POST",
            "faults",
            {"operation": "any", "times": 1, "status": 503},
            ("operator", "makes “any” fail: 503"),
        ),
        ("DELETE", "faults", None, ("operator", "ends all faults")),
        ("POST", "clock", {"advanceSeconds": 901}, ("operator", "lets 15 minutes pass")),
        ("GET", "requests", None, None),
        ("POST", "clock", "no object", ("operator", "lets time pass")),
    ],
)
def test_control_is_told_by_what_it_does(
    method: str, name: str, body: object, told: tuple[str, str] | None
) -> None:
    assert tell_of_control(method, f"/simulator/{name}", json.dumps(body).encode()) == told


def test_log_is_read_by_whole_lines_each_once_and_from_its_end_by_who_comes_late(
    tmp_path: Path,
) -> None:
    path = tmp_path / "log"
    path.write_text("of an earlier stack\n", encoding="utf-8")
    log = HostLog(path)
    before_any = log.read_new()
    write(path, line("one"))
    with path.open("a", encoding="utf-8") as file:
        file.write('{"time": 1, "logger"')
    first = log.read_new()
    with path.open("a", encoding="utf-8") as file:
        file.write(': "x", "message": "two"}\n')
    second = log.read_new()
    write(path, *(line("x" * 1000) for _ in range(1000)), line("last"))
    late = log.read_new()

    assert before_any == []
    assert [one.message for one in first] == ["one"]
    assert [one.message for one in second] == ["two"]
    assert 100 < len(late) < 300
    assert (late[-1].message, log.read_new()) == ("last", [])


async def answer_nothing(_: web.Request) -> web.Response:
    return web.Response(status=204)


@pytest.mark.parametrize(
    ("runs", "credit"),
    [(1, "complete"), (0, None), (2, None)],
    ids=["one call at work", "nobody known at work", "two at work at once"],
)
async def test_call_to_face_is_credited_to_the_only_one_at_work(
    tmp_path: Path, runs: int, credit: str | None
) -> None:
    path = tmp_path / "log"
    timeline = Timeline(HostLog(path))
    face = web.Application()
    face.router.add_get("/face/v1.2/{rest:.*}", answer_nothing)
    timeline.watch(face, "face")
    async with TestClient(TestServer(face)) as client:
        await client.get("/face/v1.2/detectLiveness-sessions/03bcc3aa-0000-0000-0000-000000000000")
    timeline.collect()
    seen = [entry.as_json() for entry in timeline.changes_since(0)]
    revision = timeline.revision

    at = float(str(seen[0]["time"])) + 0.02
    message = f"POST /api/sessions/{SESSION}/complete 200 40ms"
    write(path, *(line(message, time=at) for _ in range(runs)))
    timeline.collect()

    changed = {entry.happening.actor: entry.by for entry in timeline.changes_since(revision)}
    assert [(each["text"], each["status"], each["by"]) for each in seen] == [
        ("GET /detectLiveness-sessions/03bcc3…", 204, None)
    ]
    assert changed.get("face") == credit
    assert ("face" in changed) is (credit is not None)
