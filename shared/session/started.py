"""A session that was just created; and what of that is sealed for whoever repeats the create."""

import json
from dataclasses import dataclass, replace

from shared.secret import Secret
from shared.session.session import Session, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A session, with the two tokens that nobody sees but whoever created it."""

    session: Session
    auth_token: Secret
    session_token: Secret


def write_started(started: Started) -> bytes:
    """Write, in plain text, all that the session's own row does not tell."""
    tokens = (started.auth_token.reveal(), started.session_token.reveal())
    return json.dumps(tokens).encode()


def read_started(session: Session, plain: bytes) -> Started:
    """Return what was written, with its session as it was when it began."""
    auth_token, session_token = map(Secret, json.loads(plain))
    begun = replace(session, status=Status.STARTED)
    return Started(session=begun, auth_token=auth_token, session_token=session_token)
