"""A create under way: what is wanted, for whom, and all that may be kept of that."""

from dataclasses import dataclass, field

from shared.flow.ports import Sealer
from shared.secret import Secret
from shared.session.caller import Caller
from shared.session.idempotency import describe_request
from shared.session.ids import RandomBytes, SessionId, new_session_id
from shared.session.person import SealedPerson
from shared.session.session import Session
from shared.session.shard import KeyHash, PersonHash
from shared.session.start_request import StartRequest
from shared.session.started import Started, read_started, write_started


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyKey:
    """A key that a caller has brought, and what may be kept of it and of its request."""

    secret: Secret
    key_hash: KeyHash = field(repr=False)
    request_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation:
    """What is known of a session before Face is asked."""

    request: StartRequest
    session_id: SessionId
    who: SealedPerson
    key: IdempotencyKey | None
    created_by: Caller | None
    sealer: Sealer = field(repr=False)


def seal_answer(key: IdempotencyKey, sealer: Sealer, started: Started) -> str:
    """Seal the answer to a create for whoever repeats it under its key."""
    return sealer.seal_answer(
        write_started(started),
        key.secret,
        session_id=started.session.session_id,
        request_hash=key.request_hash,
    )


def open_answer(key: IdempotencyKey, sealer: Sealer, session: Session, sealed: str) -> Started:
    """Open the answer to the create that a key was used for first."""
    plain = sealer.open_answer(
        sealed, key.secret, session_id=session.session_id, request_hash=key.request_hash
    )
    return read_started(session, plain)


def begin_creation(
    request: StartRequest,
    key: Secret | None,
    created_by: Caller | None,
    sealer: Sealer,
    random_bytes: RandomBytes,
) -> Creation:
    """Give a session its id, and hash and seal what names its person."""
    who = request.person
    person = sealer.hash_person(who.kind, who.id) if who else None
    session_id = new_session_id(person, random_bytes)

    def seal(text: str | None) -> str | None:
        return None if text is None else sealer.seal_id(text, session_id=session_id)

    return Creation(
        request=request,
        session_id=session_id,
        who=SealedPerson(
            person=person,
            device=seal(request.device_correlation_id),
            user=seal(request.user_correlation_id),
        ),
        key=_hash_key(request, key, person, sealer),
        created_by=created_by,
        sealer=sealer,
    )


def _hash_key(
    request: StartRequest, key: Secret | None, person: PersonHash | None, sealer: Sealer
) -> IdempotencyKey | None:
    if key is None or person is None:
        return None
    return IdempotencyKey(
        secret=key,
        key_hash=sealer.hash_key(person, key),
        request_hash=sealer.hash_request(describe_request(request)),
    )
