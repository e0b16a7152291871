"""Create a session: one for one key, and no more than a person may have."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import (
    FaceOutcomeUnknownError,
    ReferenceImageQualityError,
    SessionConflictError,
    StoreConflictError,
    StoreUnavailableError,
    TooManySessionsError,
)
from shared.flow.face_failure import log_face_failure
from shared.flow.ports import AppSecret, FaceGateway, LogEvent, SessionStore
from shared.flow.references import References
from shared.secret import Secret
from shared.session import idempotency, transitions
from shared.session.caller import Caller
from shared.session.face_answer import Quality, ReferenceImage, is_good_enough
from shared.session.idempotency import Claim, KeyHash
from shared.session.ids import RandomBytes, SessionId, new_session_id, shard_of
from shared.session.session import Session
from shared.session.session_token import new_token
from shared.session.shard import Shard, shard_of_person
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
    """A session that was just created, with the two tokens that are seen this once."""

    session: Session
    auth_token: Secret
    session_token: Secret
    reference_image: ReferenceImage | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStart:
    """Creates sessions."""

    face: FaceGateway
    store: SessionStore
    app_secret: AppSecret
    references: References
    rules: StartRules
    now: Callable[[], datetime]
    random_bytes: RandomBytes
    log: LogEvent

    async def start(
        self, request: StartRequest, key: str | None = None, created_by: Caller | None = None
    ) -> Started:
        """Create a session; an idempotency key stands for one, and never for another."""
        await self.app_secret.get()
        if key is None:
            return await self._create(request, request.person, None, created_by)
        # Where nobody is named, the key itself says whose rows are neighbors.
        person = request.person or key
        shard, key_hash = shard_of_person(person), idempotency.hash_key(key, request)
        await self._check_key(request, shard, key_hash)
        try:
            return await self._create(request, person, key_hash, created_by)
        except (StoreUnavailableError, TooManySessionsError) as error:
            # It may be this very key's session that was first.
            await self._raise_if_key_taken(request, shard, key_hash, error)
            raise

    async def _check_key(self, request: StartRequest, shard: Shard, key_hash: KeyHash) -> None:
        claim = await self.store.load_claim(shard, key_hash)
        if claim is None:
            return
        if claim.ends_at > self.now():
            idempotency.check_same(claim, request)
            # Its tokens were handed out once and are kept nowhere.
            raise SessionConflictError("this key has opened its session")
        try:
            await self.store.drop_claim(claim)
        except StoreConflictError as error:
            raise _race_error() from error

    async def _raise_if_key_taken(
        self, request: StartRequest, shard: Shard, key_hash: KeyHash, cause: Exception
    ) -> None:
        first = await self.store.load_claim(shard, key_hash)
        if first is not None:
            idempotency.check_same(first, request)
            raise _race_error() from cause

    async def _create(
        self,
        request: StartRequest,
        person: str | None,
        key_hash: KeyHash | None,
        created_by: Caller | None,
    ) -> Started:
        now, token = self.now(), new_token(self.random_bytes)
        session_id = new_session_id(person, self.random_bytes)
        await self._check_count(request, session_id)
        complete = await self.references.fetch(request)
        face = await self.face.create(complete)
        session = transitions.new_session(
            complete,
            face.face_session_id,
            session_id=session_id,
            token=token,
            now=now,
            grace=self.rules.grace,
            counted=self.rules.max_open_sessions > 0,
            created_by=created_by,
        )
        if complete.verify_image is not None:
            await self._check_quality(session, face.reference_image)
        await self._record(
            session, idempotency.claim(key_hash, request, session) if key_hash else None
        )
        self.log("session started", session_id=session_id, kind=session.kind)
        return Started(
            session=session,
            auth_token=face.auth_token,
            session_token=token,
            reference_image=face.reference_image,
        )

    async def _check_count(self, request: StartRequest, session_id: SessionId) -> None:
        # A look before Face is asked, which costs; the transaction has the last word.
        person, maximum = request.person_sha256, self.rules.max_open_sessions
        if person is None or maximum == 0:
            return
        if await self.store.count_open_sessions(shard_of(session_id), person) >= maximum:
            raise TooManySessionsError("the person has too many open sessions")

    async def _check_quality(self, session: Session, image: ReferenceImage | None) -> None:
        # Only Face can tell, and only by the session that it has created.
        if not is_good_enough(image, self.rules.min_reference_quality):
            await self._discard(session)
            raise ReferenceImageQualityError("the reference image is too poor to verify against")

    async def _record(self, session: Session, claim: Claim | None) -> None:
        try:
            await self.store.insert(session, claim, max_open_sessions=self.rules.max_open_sessions)
        except (StoreConflictError, StoreUnavailableError, TooManySessionsError) as error:
            if await self._find_recorded(session):
                return
            await self._discard(session)
            if isinstance(error, TooManySessionsError):
                raise
            raise StoreUnavailableError("the new session could not be recorded") from error

    async def _discard(self, session: Session) -> None:
        # What is not deleted now, nobody knows of; Face forgets it by itself.
        try:
            await self.face.delete(session.kind, session.face_session_id)
        except FaceOutcomeUnknownError as error:
            log_face_failure(self.log, session, "delete", error)

    async def _find_recorded(self, session: Session) -> bool:
        # A lost write: the row is there, but the answer was cut off, or is about a repeat of it.
        try:
            found = await self.store.load(session.session_id)
        except StoreUnavailableError:
            return False
        return found is not None and found.token_hash == session.token_hash


def _race_error() -> SessionConflictError:
    return SessionConflictError(
        "another request with this key was first", retry_after_seconds=_RETRY_AFTER_RACE_SECONDS
    )
