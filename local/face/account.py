"""One Face account: who may call it, its sessions, and the device that plays them. No HTTP here."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from local.face import answers
from local.face.answers import Json
from local.face.create_request import FaceRefusal
from local.face.device_attempts import DECISIONS, ScriptedAttempt, after_attempt
from local.face.device_tokens import DeviceTokens
from local.face.session_files import SessionFiles
from local.face.sessions import Attempt, CreateRequest, Kind, Picture, Session, open_session


class TokenRefusedError(Exception):
    """The device's token is unknown, expired, revoked or used up."""


class FaceAccount:
    """Creates, finds and deletes sessions by Face's rules, on the stack's clock."""

    def __init__(
        self, sessions: SessionFiles, tokens: DeviceTokens, now: Callable[[], datetime]
    ) -> None:
        """Serve these sessions, without those that Face has forgotten meanwhile."""
        self._sessions = sessions
        self._tokens = tokens
        self._now = now
        self.reference_quality = "high"
        for forgotten in [each for each in sessions if not each.is_alive(now())]:
            sessions.remove(forgotten)

    def create(self, request: CreateRequest) -> Json:
        """Open a session and hand out its token, this once."""
        session = open_session(request, now=self._now(), quality=self.reference_quality)
        self._sessions.put(session)
        return answers.create_response(session, self._tokens.issue(session.session_id))

    def get(self, kind: Kind, session_id: str) -> Json:
        """Tell how the session stands."""
        return answers.get_response(self._session(kind, session_id))

    def delete(self, kind: Kind, session_id: str) -> None:
        """Forget the session and revoke its token."""
        self._sessions.remove(self._session(kind, session_id))

    def alive(self) -> list[Json]:
        """List the sessions that Face still knows."""
        return [
            {
                "sessionId": session.session_id,
                "kind": session.request.kind,
                "status": session.status,
            }
            for session in self._sessions
            if session.is_alive(self._now())
        ]

    def play(self, auth_token: str | None, script: ScriptedAttempt) -> Json:
        """Play the device once and return what its SDK would hand to the app."""
        session = after_attempt(self._session_of(auth_token), script)
        if session.quality is None and session.request.kind is Kind.LIVENESS_WITH_VERIFY:
            # The device has brought the reference image.
            session = replace(session, quality=self.reference_quality)
        self._sessions.put(session)
        return _report(script, session)

    def find_picture(self, image_id: str) -> tuple[Session, Attempt]:
        """Find whose picture it is; Face has it only while it has the session."""
        for session in self._sessions:
            for attempt in session.attempts:
                is_there = attempt.picture is not Picture.MISSING and session.is_alive(self._now())
                if attempt.session_image_id == image_id and is_there:
                    return session, attempt
        # Nobody has recorded it; this is the one code that Face documents for what is not there.
        raise FaceRefusal(404, "SessionNotFound", "Session image is not found.")

    def _session(self, kind: Kind, session_id: str) -> Session:
        session = self._sessions.find(session_id)
        if session is None or session.request.kind is not kind or not session.is_alive(self._now()):
            message = "Session Id is not found. The session id is expired or does not exist."
            raise FaceRefusal(404, "SessionNotFound", message)
        return session

    def _session_of(self, auth_token: str | None) -> Session:
        session_id = self._tokens.session_id(auth_token or "")
        session = self._sessions.find(session_id) if session_id else None
        if session is None or not session.takes_attempts(self._now()):
            raise TokenRefusedError("the token is unknown, expired, revoked or used up")
        return session


def _report(script: ScriptedAttempt, session: Session) -> Json:
    if script.outcome == "running":
        return {}
    if script.outcome == "canceled":
        return {"livenessError": "UserCanceledSession"}
    if script.outcome in DECISIONS:
        attempt = session.attempts[0]
        return {"resultId": _result_id(session), "digest": attempt.digest}
    return {"livenessError": session.attempts[0].error_code}


def _result_id(session: Session) -> str:
    # v1.2 ties it to nothing: to the server it is an opaque string.
    return f"{session.session_id}-{session.attempts[0].attempt_id}"
