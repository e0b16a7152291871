"""Create a session: one for one key, and no more than its person may have."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.errors import (
    CallerError,
    CreatesPausedError,
    FaceOutcomeUnknownError,
    InvalidImageError,
    InvalidImageSizeError,
    PersonBeingErasedError,
    ReferenceImageQualityError,
    StoreUnavailableError,
    TooManyAttemptsError,
    TooManySessionsError,
)
from shared.flow.creation import Creation, begin_creation, seal_answer
from shared.flow.face_failure import log_face_failure
from shared.flow.ports import FaceGateway, LogEvent, Seals, SessionStore
from shared.flow.references import References
from shared.flow.replay import Replay
from shared.flow.start_record import insert_once
from shared.flow.turns import Turns
from shared.secret import Secret
from shared.session import transitions
from shared.session.caller import Caller
from shared.session.erasure import SECOND_PASS_AFTER
from shared.session.face_answer import Quality, ReferenceImage, is_good_enough
from shared.session.ids import RandomBytes
from shared.session.ledger import Entry, EntryType, Ledger
from shared.session.ledger_changes import Opening, plan_opening, with_answer
from shared.session.limits import Limit, Limits, find_refusal
from shared.session.session import Session
from shared.session.session_token import new_token
from shared.session.start_request import StartRequest
from shared.session.started import Started

# Whoever loses so many races for a slot in a row has met more than chance.
_MAX_RACES = 10
_IMAGE_ERRORS = (InvalidImageError, InvalidImageSizeError, ReferenceImageQualityError)
_REFUSALS: Mapping[Limit, tuple[type[CallerError], str]] = {
    Limit.FAILURES: (TooManyAttemptsError, "failed too many checks in a row"),
    Limit.STARTS: (TooManyAttemptsError, "started too many checks within an hour"),
    Limit.OPEN_SESSIONS: (TooManySessionsError, "too many open sessions"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRules:
    """What this deployment decided about who may start what."""

    allows_creates: bool
    grace: timedelta
    limits: Limits
    min_reference_quality: Quality


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStart:
    """Creates sessions."""

    face: FaceGateway
    store: SessionStore
    seals: Seals
    replay: Replay
    turns: Turns
    references: References
    rules: StartRules
    now: Callable[[], datetime]
    random_bytes: RandomBytes
    log: LogEvent

    async def start(
        self, request: StartRequest, key: Secret | None = None, created_by: Caller | None = None
    ) -> Started:
        """Create a session; whoever brings the same key again gets the same answer."""
        sealer = await self.seals.get()
        creation = begin_creation(request, key, created_by, sealer, self.random_bytes)
        if creation.who.person is None:
            return await self._answer(creation)
        async with self.turns.take(creation.who.person):
            return await self._answer(creation)

    async def _answer(self, creation: Creation) -> Started:
        ledger = await self._load_ledger(creation)
        return await self._find_answer(creation, ledger) or await self._create(creation, ledger)

    async def _load_ledger(self, creation: Creation) -> Ledger:
        if creation.who.person is None:
            return Ledger()
        ledger = await self.store.load_ledger(creation.who.person, self.now())
        if ledger.unreadable_rows:
            # They stand in nobody's way, but limits may count too little.
            self.log(
                "ledger unreadable",
                level=logging.WARNING,
                session_id=creation.session_id,
                skipped=ledger.unreadable_rows,
            )
        return ledger

    async def _find_answer(self, creation: Creation, ledger: Ledger) -> Started | None:
        """Return what the key has been answered; None if it is free, and nothing refuses."""
        if answer := await self.replay.find(creation, ledger):
            return answer
        if not self.rules.allows_creates:
            raise CreatesPausedError("no sessions are created now")
        if ledger.is_being_erased:
            raise PersonBeingErasedError(
                "what is kept of the person is being removed",
                retry_after_seconds=round(SECOND_PASS_AFTER.total_seconds()),
            )
        now = self.now()
        if refusal := find_refusal(ledger, self.rules.limits, now):
            error, reached = _REFUSALS[refusal.limit]
            who = "person" if creation.request.user_correlation_id else "device"
            raise error(
                f"this {who} has {reached}", retry_after_seconds=refusal.retry_after_seconds(now)
            )
        return None

    async def _create(self, creation: Creation, ledger: Ledger) -> Started:
        try:
            opened = await self._open_at_face(creation)
        except _IMAGE_ERRORS:
            await self._record_refused_start(creation)
            raise
        try:
            started = await self._record(creation, opened, ledger)
        except (CallerError, StoreUnavailableError) as error:
            # If it may have been recorded, a repeat under its key may get its tokens yet.
            may_be_written = isinstance(error, StoreUnavailableError) and error.may_be_written
            if creation.key is None or not may_be_written:
                await self._discard(opened.session)
            raise
        if started.session.session_id == creation.session_id:
            self.log(
                "session started",
                session_id=creation.session_id,
                kind=opened.session.kind,
                face_request_id=opened.session.face_request_ids.create,
                model_version=opened.session.face_model_version,
            )
        else:
            # Another process was first, and this is its answer.
            await self._discard(opened.session)
        return started

    async def _open_at_face(self, creation: Creation) -> Started:
        now, token = self.now(), new_token(self.random_bytes)
        complete = await self.references.fetch(creation.request, creation.who.person)
        face = await self.face.create(complete)
        session = transitions.new_session(
            complete,
            face,
            session_id=creation.session_id,
            who=creation.who,
            token=token,
            now=now,
            grace=self.rules.grace,
            created_by=creation.created_by,
            face_request_id=face.request_id,
        )
        if complete.verify_image is not None:
            await self._check_quality(session, face.reference_image)
        return Started(session=session, auth_token=face.auth_token, session_token=token)

    async def _check_quality(self, session: Session, image: ReferenceImage | None) -> None:
        # Only Face can tell, and only by the session that it has created.
        if not is_good_enough(image, self.rules.min_reference_quality):
            await self._discard(session)
            raise ReferenceImageQualityError("the reference image is too poor to verify against")

    async def _record_refused_start(self, creation: Creation) -> None:
        """Count a start that Face has refused for its image: poor pictures are tries, too."""
        if creation.who.person is not None and creation.request.reference_source is not None:
            start = Entry(
                type=EntryType.START,
                kind=creation.request.kind,
                at=self.now(),
                session_id=creation.session_id,
            )
            await self.store.record_start(creation.who.person, start)

    async def _record(self, creation: Creation, opened: Started, ledger: Ledger) -> Started:
        """Record a session in its person's ledger; or return the answer of who was first."""
        for races in range(_MAX_RACES):
            opening = self._plan(creation, opened, ledger)
            # What nobody needs any more must not stand in the way twice.
            opening = opening if races == 0 else replace(opening, over=())
            if await insert_once(self.store, opening):
                return replace(opened, session=opening.session)
            ledger = await self._load_ledger(creation)
            if answer := await self._find_answer(creation, ledger):
                return answer
        raise StoreUnavailableError("the person's ledger kept changing")

    def _plan(self, creation: Creation, opened: Started, ledger: Ledger) -> Opening:
        opening = plan_opening(ledger, opened.session, self.rules.limits, self.now())
        if (key := creation.key) is None:
            return opening
        return with_answer(
            opening,
            ledger,
            key.key_hash,
            request_hash=key.request_hash,
            sealed_answer=seal_answer(key, creation.sealer, opened),
        )

    async def _discard(self, session: Session) -> None:
        # What is not deleted now, nobody knows of; Face forgets it by itself.
        try:
            await self.face.delete(session.kind, session.face_session_id)
        except FaceOutcomeUnknownError as error:
            log_face_failure(self.log, session, "delete", error)
