"""What each function of the page takes, answers and refuses; a route that is not here fails.

What every route of an audience may refuse, and every one with a body, is in `codes_of`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.api import contract
from shared.api.door import Audience

_DOOR = ("Unauthorized", "Forbidden", "KeyUnavailable")
_BODY = ("InvalidRequest", "LengthRequired", "RequestTooLarge", "UnsupportedMediaType")
_FACE = ("FaceRefused", "FaceUnavailable", "KeyUnavailable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Success:
    """One good answer: what it tells, in which body, with which headers besides.

    Of these, one with a `?` need not be there.
    """

    description: str
    body: type[contract.ReplyBody] | str | None = None
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What one function does, for callers; `body` may be left out where it is optional."""

    summary: str
    description: str
    answers: Mapping[int, Success]
    body: type[contract.RequestBody] | None = None
    is_body_optional: bool = False
    has_idempotency_key: bool = False
    codes: tuple[str, ...] = ()


OPERATIONS: Mapping[str, Operation] = {
    "start_session": Operation(
        summary="Create a session",
        description=(
            "For your server. JSON makes a check of liveness; a form with a file `verifyImage` one"
            " of liveness with verify."
        ),
        body=contract.CreateBody,
        has_idempotency_key=True,
        answers={
            201: Success(
                description="The session, with its two tokens, which are told this once.",
                body=contract.StartReply,
                headers=("Location",),
            )
        },
        codes=(
            *("InvalidImageSize", "InvalidImage", "SessionConflict", "IdempotencyKeyReused"),
            *("ReferenceImageQuality", "ReferenceUnusable", "TooManySessions", "TooManyAttempts"),
            *("CreatesPaused", "PersonBeingErased", *_FACE),
        ),
    ),
    "get_session": Operation(
        summary="Ask where a session is",
        description="For the frontend, while the session is `processing`; it never asks Face.",
        answers={
            200: Success(
                description="Status and expiry, never an outcome. With `Retry-After` while it is"
                " `processing`.",
                body=contract.StatusReply,
                headers=("Retry-After?",),
            )
        },
    ),
    "complete_session": Operation(
        summary="Say that a check is over",
        description=(
            "For the frontend, when the SDK has ended, with what it handed over; an empty body will"
            " do. Safe to repeat."
        ),
        body=contract.CompletionBody,
        is_body_optional=True,
        answers={
            200: Success(
                description="It is over; or `started`: the person may try again.",
                body=contract.CompleteReply,
            ),
            202: Success(
                description="Face has no result yet: ask for the status after `Retry-After`.",
                body=contract.CompleteReply,
                headers=("Retry-After",),
            ),
        },
        codes=("SessionConflict",),
    ),
    "cancel_session": Operation(
        summary="Give a session up",
        description="For the frontend. A check that Face has finished keeps its verdict.",
        answers={204: Success(description="It is over, and its tokens open nothing at Face.")},
        codes=("SessionConflict", "FaceUnavailable"),
    ),
    "get_result": Operation(
        summary="Read how a session ended",
        description="For your server. `outcome` is null unless the session is `completed`.",
        answers={200: Success(description="The result.", body=contract.ResultReply)},
        codes=("SessionNotFinal",),
    ),
    "consume_result": Operation(
        summary="Make use of a result, once",
        description="For your server. The first consumer has it for good, and may ask again.",
        body=contract.ConsumeBody,
        answers={200: Success(description="The result.", body=contract.ResultReply)},
        codes=("SessionNotFinal", "ResultConsumed", "SessionConflict"),
    ),
    "get_session_image": Operation(
        summary="Fetch the picture of a check",
        description="For your server. It is biometric data: nothing on the way may keep it.",
        answers={200: Success(description="The whole picture.", body="image/jpeg")},
        codes=("ImageNotFound",),
    ),
    "resend_event": Operation(
        summary="Send an event again",
        description=(
            "For operators: the event of how this session ended, with the `id` that it had, for a"
            " receiver that has lost it. Any final session will do."
        ),
        answers={202: Success(description="It will be sent.", body=contract.EventReply)},
        codes=("SessionNotFinal", "SessionConflict", "EventsOff"),
    ),
    "get_readiness": Operation(
        summary="See whether the app could do its work",
        description=(
            "For operators: asks the vault, the table, the queue, Face, and where they are on the"
            " pictures' container and the topic. What it finds is kept for 10 seconds."
        ),
        answers={200: Success(description="All parts can be used.", body=contract.ReadyReply)},
        codes=("NotReady", "EventsUnavailable"),
    ),
    "unlock_person": Operation(
        summary="Unlock a person",
        description=(
            "For operators: the failures of this person count no more, of both kinds. Starts and"
            " open sessions stay as they are. Exactly one of the two ids."
        ),
        body=contract.PersonBody,
        answers={204: Success(description="Nothing is locked, also where nothing was.")},
        codes=("KeyUnavailable",),
    ),
    "list_person_sessions": Operation(
        summary="List a person's sessions",
        description=(
            "For operators: the newest first, 50 a page. Exactly one of the two ids; with the"
            " `continuation` of the page before, the next page."
        ),
        body=contract.ListBody,
        answers={
            200: Success(
                description="One page; `continuation` is null on the last.",
                body=contract.ListReply,
            )
        },
        codes=("KeyUnavailable", "RecordCorrupt"),
    ),
    "erase_person": Operation(
        summary="Erase a person",
        description=(
            "For operators: everything that is kept of this person goes, in a pass at once and a"
            " second one a minute later; until then the person starts nothing. Exactly one of the"
            " two ids; or the `receiptId` alone, to ask how far it is."
        ),
        body=contract.EraseBody,
        answers={
            202: Success(
                description="Being erased; the same receipt for whoever asks again.",
                body=contract.EraseReply,
            ),
            200: Success(
                description="Erased. The receipt names nobody, and goes after `RETENTION_DAYS`.",
                body=contract.EraseReply,
            ),
        },
        codes=("KeyUnavailable", "ReceiptNotFound", "RecordCorrupt"),
    ),
    "get_health": Operation(
        summary="See that the app runs",
        description="For anybody; it touches nothing.",
        answers={200: Success(description="The app runs.", body=contract.HealthReply)},
    ),
    "get_openapi": Operation(
        summary="Read this document",
        description="For anybody.",
        answers={200: Success(description="OpenAPI 3.1.", body="application/json")},
    ),
}


def codes_of(operation: Operation, audience: Audience | None, path: str) -> set[str]:
    """Collect every code that a route may refuse with."""
    codes = set(operation.codes)
    if operation.body:
        codes |= {*_BODY}
    if "{session_id}" in path:
        codes |= {"SessionNotFound", "RecordCorrupt"}
    if audience in {Audience.SERVER, Audience.OPERATOR}:
        codes |= {*_DOOR}
    return codes | {"ConfigurationError", "StoreUnavailable"} if audience else codes
