"""What happened upstream, in order, and whom the app asked Face for, where that is known."""

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from aiohttp import web

from local.faults import wire
from local.web.happenings import Happening, Run, shorten, tell_of_control, tell_of_line
from local.web.host_log import HostLog

_MAX_ENTRIES = 300
_MAX_RUNS = 100
# The clocks of two processes, read at either end of a call.
_TOLERANCE_SECONDS = 0.003

type Json = dict[str, object]


@dataclass(slots=True, kw_only=True)
class Entry:
    """A happening, and who is credited with it; each change makes it the newest revision."""

    number: int
    revision: int
    happening: Happening
    by: str | None = None

    def as_json(self) -> Json:
        """Give what the page shows."""
        told = self.happening
        return {
            "number": self.number,
            "time": told.time,
            "actor": told.actor,
            "text": told.text,
            "by": self.by,
            "status": told.status,
            "tookMs": told.took_ms,
            "sessionId": told.session_id,
        }


class Timeline:
    """Watches the simulators and the host's log; entries come when somebody collects them."""

    def __init__(self, log: HostLog) -> None:
        """Begin empty."""
        self._log = log
        self._entries: deque[Entry] = deque(maxlen=_MAX_ENTRIES)
        self._runs: deque[Run] = deque(maxlen=_MAX_RUNS)
        self._count = 0
        self.revision = 0

    def watch(self, app: web.Application, actor: str) -> None:
        """Keep every call to a simulator, whatever becomes of it."""

        @web.middleware
        async def see(request: web.Request, handler: wire.Handler) -> web.StreamResponse:
            began, status = time.time(), 0
            told = await _tell_of_call(request, actor)
            try:
                response = await handler(request)
                status = wire.sent_status(response)
            finally:
                if told:
                    took_ms = round((time.time() - began) * 1000)
                    who, text = told
                    self._add(
                        Happening(time=began, actor=who, text=text, status=status, took_ms=took_ms)
                    )
            return response

        app.middlewares.insert(0, see)

    def collect(self) -> None:
        """Take in what the host has logged since, and credit Face's calls with it."""
        for line in self._log.read_new():
            for told in tell_of_line(line):
                if isinstance(told, Run):
                    self._runs.append(told)
                else:
                    self._add(told)
        for entry in self._entries:
            if entry.happening.actor == "face" and entry.by is None:
                self._credit(entry)

    def changes_since(self, revision: int) -> Iterator[Entry]:
        """Give what is new or different, oldest first."""
        return (entry for entry in self._entries if entry.revision > revision)

    def _add(self, happening: Happening) -> None:
        self._count += 1
        self.revision += 1
        self._entries.append(Entry(number=self._count, revision=self.revision, happening=happening))

    def _credit(self, entry: Entry) -> None:
        at = entry.happening.time
        makers = [
            run.by
            for run in self._runs
            if run.began - _TOLERANCE_SECONDS <= at <= run.ended + _TOLERANCE_SECONDS
        ]
        # Of two that were at work at once, either may have asked.
        if len(makers) == 1:
            self.revision += 1
            entry.by, entry.revision = makers[0], self.revision


async def _tell_of_call(request: web.Request, actor: str) -> tuple[str, str] | None:
    if request.path.startswith("/simulator/"):
        return tell_of_control(request.method, request.path, await request.read())
    path = request.path.removeprefix("/face/v1.2").rstrip("/")
    return actor, f"{request.method} {shorten(path)}"
