"""Open a session: once, however often it is asked for, and no more than a person may have."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import (
    ReferenceImageQualityError,
    SessionConflictError,
    StoreConflictError,
    StoreUnavailableError,
    TooManySessionsError,
)
from shared.flow.face_deletion import try_delete_face_session
from shared.flow.ports import FaceGateway, LogEvent, SessionStore
from shared.secret import Secret
from shared.session import idempotency, transitions
from shared.session.face_answer import FaceSession, Quality, ReferenceImage, is_good_enough
from shared.session.idempotency import Claim, KeyHash
from shared.session.session import (
    RandomBytes,
    Session,
    SessionId,
    Shard,
    new_session_id,
    shard_of,
    shard_of_person,
)
from shared.session.start_request import StartRequest

_RETRY_AFTER_RACE_SECONDS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRules:
    """What this deployment decided about who may start what."""

    grace: timedelta
    max_open_sessions: int
    min_reference_quality: Quality


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A session that was just opened, with the two tokens that are seen this once."""

    session: Session
    auth_token: Secret
    session_token: Secret
    reference_image: ReferenceImage | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStart:
    """The beginning of every session."""

    face: FaceGateway
    store: SessionStore
    rules: StartRules
    now: Callable[[], datetime]
    random_bytes: RandomBytes
    log: LogEvent

    async def start(self, request: StartRequest, key: str | None = None) -> Started:
        """Open a session; a key opens one, and no more."""
        if key is None:
            return await self._start_new(request, request.person, None)
        shard = shard_of_person(request.person or key)
        key_hash = idempotency.hash_key(key, request)
        claim = await self._claim(shard, key_hash)
        if claim is None:
            return await self._start_first(request, request.person or key, shard, key_hash)
        idempotency.check_same(claim, request)
        # Its tokens were handed out once and are kept nowhere.
        raise SessionConflictError("this key has opened its session")

    async def _start_first(
        self, request: StartRequest, person: str, shard: Shard, key_hash: KeyHash
    ) -> Started:
        try:
            return await self._start_new(request, person, key_hash)
        except (StoreUnavailableError, TooManySessionsError) as error:
            # It may be this very key's session that was first.
            await self._raise_if_key_taken(request, shard, key_hash, error)
            raise

    async def _claim(self, shard: Shard, key_hash: KeyHash) -> Claim | None:
        claim = await self.store.load_claim(shard, key_hash)
        if claim is None or claim.ends_at > self.now():
            return claim
        await self._delete_expired_record(claim)
        return None

    async def _delete_expired_record(self, claim: Claim) -> None:
        try:
            await self.store.drop_claim(claim)
        except StoreConflictError as error:
            raise _lost_race() from error

    async def _start_new(
        self, request: StartRequest, person: str | None, key_hash: KeyHash | None
    ) -> Started:
        now, token = self.now(), self._new_token()
        session_id = new_session_id(person, self.random_bytes)
        await self._check_count(request, session_id)
        face = await self._create_at_face(request)
        session = transitions.started(
            request,
            face.face_session_id,
            session_id=session_id,
            token=token,
            now=now,
            grace=self.rules.grace,
            counted=self.rules.max_open_sessions > 0,
        )
        claim = idempotency.claim(key_hash, request, session) if key_hash else None
        await self._record(session, claim)
        self.log("session started", session_id=session_id, kind=session.kind)
        return _started(session, face, token)

    async def _check_count(self, request: StartRequest, session_id: SessionId) -> None:
        # A look before Face is asked, which costs; the transaction has the last word.
        person, maximum = request.person_sha256, self.rules.max_open_sessions
        if person is None or maximum == 0:
            return
        if await self.store.open_sessions(shard_of(session_id), person) >= maximum:
            raise TooManySessionsError("the person has too many open sessions")

    async def _create_at_face(self, request: StartRequest) -> FaceSession:
        face = await self.face.create(request)
        if request.verify_image is None or is_good_enough(
            face.reference_image, self.rules.min_reference_quality
        ):
            return face
        await try_delete_face_session(self.face, request.kind, face.face_session_id, self.log)
        raise ReferenceImageQualityError("the reference image is too poor to verify against")

    async def _record(self, session: Session, claim: Claim | None) -> None:
        try:
            await self.store.insert(session, claim, max_open_sessions=self.rules.max_open_sessions)
        except (StoreConflictError, StoreUnavailableError, TooManySessionsError) as error:
            # The answer to our own write may be lost, and the repeat of it reports a conflict.
            if await self._find(session) is not None:
                return
            await self._delete(session)
            if isinstance(error, TooManySessionsError):
                raise
            raise StoreUnavailableError("the new session could not be recorded") from error

    async def _raise_if_key_taken(
        self, request: StartRequest, shard: Shard, key_hash: KeyHash, cause: Exception
    ) -> None:
        first = await self.store.load_claim(shard, key_hash)
        if first is not None:
            idempotency.check_same(first, request)
            raise _lost_race() from cause

    async def _find(self, session: Session) -> Session | None:
        try:
            found = await self.store.load(session.session_id)
        except StoreUnavailableError:
            return None
        return found if found is not None and found.token_hash == session.token_hash else None

    async def _delete(self, session: Session) -> None:
        await try_delete_face_session(
            self.face,
            session.kind,
            session.face_session_id,
            self.log,
            session_id=session.session_id,
        )

    def _new_token(self) -> Secret:
        return Secret(base64.urlsafe_b64encode(self.random_bytes(32)).decode().rstrip("="))


def _started(session: Session, face: FaceSession, token: Secret) -> Started:
    return Started(
        session=session,
        auth_token=face.auth_token,
        session_token=token,
        reference_image=face.reference_image,
    )


def _lost_race() -> SessionConflictError:
    return SessionConflictError(
        "another request with this key was first", retry_after_seconds=_RETRY_AFTER_RACE_SECONDS
    )
