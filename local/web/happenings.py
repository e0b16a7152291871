"""What a line of the log, a call to Face or a control tells of: who did what. No I/O here."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from local.web.host_log import Line

_APP = "face_liveness"
_REQUEST = re.compile(r"([A-Z]+) (/\S*) (\d{3}) (\d+)ms")
_SESSION = re.compile(r"/api/sessions/([^/]+)")
_RUN = re.compile(r"(\w+) (?:succeeded in|(failed) after) (\d+)ms")
_FIELD = re.compile(r' (\w+)="([^"]*)"')
_LONG_ID = re.compile(r"\b([0-9a-fA-F]{6})[0-9a-fA-F-]{20,}")
_SPEAKS_FOR_ITSELF = {"status", "outcome", "reasons", "code"}
_KNOWN_ALREADY = ("kind", "modelVersion", "cause")
# Who runs by itself, and what the credit for its calls says.
_RUNNERS = {"record_result": ("queue", "the queue"), "sweep_stale_sessions": ("timer", "the sweep")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Somebody did something; times are in seconds, as `time.time` has them."""

    time: float
    actor: str
    text: str
    status: int | None = None
    took_ms: int | None = None
    session_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """When the app was at work, and for whom: what it asked meanwhile may be credited to it."""

    began: float
    ended: float
    by: str


type Told = Happening | Run


def tell_of_line(line: Line) -> list[Told]:
    """Read one line of the host's log."""
    if line.logger == _APP:
        return _event(line)
    if found := _REQUEST.fullmatch(line.message):
        method, path, status, took = found.groups()
        return _request(line.time, method, path, status=int(status), took_ms=int(took))
    if (found := _RUN.match(line.message)) and found[1] in _RUNNERS:
        actor, by = _RUNNERS[found[1]]
        began = line.time - int(found[3]) / 1000
        run = Run(began=began, ended=line.time, by=by)
        text = f"{found[1]} {'failed' if found[2] else 'ran'}"
        return [run, Happening(time=began, actor=actor, text=text, took_ms=int(found[3]))]
    return []


def _request(time: float, method: str, path: str, *, status: int, took_ms: int) -> list[Told]:
    actor = _caller(method, path)
    if actor is None:
        return []
    began, found = time - took_ms / 1000, _SESSION.match(path)
    request = Happening(
        time=began,
        actor=actor,
        text=f"{method} {shorten(path)}",
        status=status,
        took_ms=took_ms,
        session_id=found[1] if found else None,
    )
    by = _why_face_is_asked(method, path)
    return [Run(began=began, ended=time, by=by), request] if by else [request]


def _caller(method: str, path: str) -> str | None:
    match path.strip("/").split("/"):
        case _ if method == "OPTIONS":
            return None
        case ["admin", "functions", *_] | ["api", "persons", *_]:
            return "operator"
        case ["api", "sessions", _] | ["api", "sessions", _, "complete"]:
            return "frontend"
        case ["api", "sessions", *_]:
            return "server"
    return None


def _why_face_is_asked(method: str, path: str) -> str | None:
    match method, path.strip("/").split("/"):
        case "POST", ["api", "sessions"]:
            return "create"
        case "POST", ["api", "sessions", _, "complete"]:
            return "complete"
        case "DELETE", ["api", "sessions", _]:
            return "cancel"
    return None


def _event(line: Line) -> list[Told]:
    name = line.message.partition('="')[0].rpartition(" ")[0] or line.message
    fields = {key: value for key, value in _FIELD.findall(line.message) if value not in {"", "0"}}
    session_id = fields.pop("sessionId", None)
    for known in _KNOWN_ALREADY:
        fields.pop(known, None)
    if name == "sweep ended" and not fields:
        return []  # nothing was due, as in most minutes
    said = [
        value if key in _SPEAKS_FOR_ITSELF else f"{key} {value}" for key, value in fields.items()
    ]
    text = f"{name}: {', '.join(said)}" if said else name
    return [Happening(time=line.time, actor="app", text=shorten(text), session_id=session_id)]


def tell_of_control(method: str, path: str, body: bytes) -> tuple[str, str] | None:
    """Say who used a control of the simulators for what; to look at something is nothing."""
    fields, name = _object(body), path.rpartition("/")[2]
    if (method, name) == ("POST", "attempts"):
        return "device", f"plays {fields.get('outcome')}"
    acts = {
        ("POST", "faults"): f"makes “{fields.get('operation')}” fail: {_manner(fields)}",
        ("DELETE", "faults"): "ends all faults",
        ("POST", "key"): "rotates the Face key",
        ("POST", "clock"): f"lets {_minutes(fields.get('advanceSeconds'))} pass",
        ("POST", "reference"): f"has images be of {fields.get('qualityForRecognition')} quality",
    }
    act = acts.get((method, name))
    return ("operator", act) if act else None


def shorten(text: str) -> str:
    """Leave of every long id as much as people compare."""
    return _LONG_ID.sub(r"\1…", text)


def _object(body: bytes) -> Mapping[str, object]:
    try:
        fields = json.loads(body)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _manner(fault: Mapping[str, object]) -> object:
    return fault.get("status") or fault.get("kind") or f"{fault.get('delayMs')} ms late"


def _minutes(seconds: object) -> str:
    return f"{seconds / 60:.0f} minutes" if isinstance(seconds, int | float) else "time"
