"""Face's sessions, each kept in a file of its own, so that a restarted stack still knows them."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from local import json_file
from local.face.sessions import Attempt, CreateRequest, Kind, Picture, Session, Status
from local.ports import StackError


class SessionFiles:
    """Holds sessions in memory and writes each change down before it is told."""

    def __init__(self, folder: Path) -> None:
        """Take up what an earlier stack left in this folder."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        kept = (_load(path) for path in folder.glob("*.json"))
        self._sessions = {session.session_id: session for session in kept}

    def __iter__(self) -> Iterator[Session]:
        """Go through the sessions, oldest first."""
        return iter(sorted(self._sessions.values(), key=lambda session: session.created_at))

    def find(self, session_id: str) -> Session | None:
        """Return the session, if it is here."""
        return self._sessions.get(session_id)

    def put(self, session: Session) -> None:
        """Keep the session as it is now."""
        facts = asdict(session) | {"created_at": session.created_at.isoformat()}
        json_file.write(self._path(session), facts)
        self._sessions[session.session_id] = session

    def remove(self, session: Session) -> None:
        """Forget the session."""
        del self._sessions[session.session_id]
        self._path(session).unlink(missing_ok=True)

    def _path(self, session: Session) -> Path:
        return self._folder / f"{session.session_id}.json"


def _load(path: Path) -> Session:
    try:
        return _session_from(json_file.read(path))
    except (KeyError, TypeError, ValueError) as error:
        message = f"{path} was not kept by this version: remove the state directory to begin anew"
        raise StackError(message) from error


def _session_from(facts: dict[str, Any]) -> Session:
    request = facts["request"] | {"kind": Kind(facts["request"]["kind"])}
    attempts = (
        each | {"status": Status(each["status"]), "picture": Picture(each["picture"])}
        for each in facts["attempts"]
    )
    return Session(
        **facts
        | {
            "request": CreateRequest(**request),
            "created_at": datetime.fromisoformat(facts["created_at"]),
            "status": Status(facts["status"]),
            "attempts": tuple(Attempt(**attempt) for attempt in attempts),
        }
    )
