"""What each field of a body means, with an example, and the bounds that its type does not say.

By its name on the wire; by `Struct.name` where a name means two things.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_SESSION_ID = "5e0f7c3b9a1d48266f1b0c2d9e8a7b6c4"
_RESULT_ID = "0a6c3b1e-5b1f-4d0e-9d6e-2f1c7a8b9c0d"
_RECT_PIXELS = {"minimum": 0}
_SECONDS = {"minimum": 0}


@dataclass(frozen=True, slots=True)
class Words:
    """A field for people, and what else is true of it."""

    description: str
    example: Any
    schema: Mapping[str, Any] = field(default_factory=dict)


def _said(name: str, description: str, example: str) -> dict[str, Words]:
    """Describe what a frontend says and a result repeats; said, an empty text is none."""
    said = Words(description, example, {"minLength": 0})
    return {
        name: Words(description, example),
        f"CompletionBody.{name}": said,
        f"SdkError.{name}": said,
    }


FIELDS: Mapping[str, Words] = {
    # Of a session.
    "sessionId": Words(
        "The session's id. It opens nothing by itself.",
        _SESSION_ID,
        {"pattern": "^[0-9a-f]{33}$"},
    ),
    "kind": Words("What is checked.", "liveness"),
    "status": Words("Where the session is in its life; a final state never changes.", "completed"),
    "ReadyReply.status": Words("Every part that is on can be used.", "ready"),
    "parts": Words("Each part that the app needs.", None),
    **{
        f"ReadyParts.{name}": Words("`off` where the settings turn it off.", "ok")
        for name in ("settings", "vault", "table", "queue", "face", "images", "events")
    },
    "EraseReply.status": Words("Whether anything is left to be erased.", "erasing"),
    "receiptId": Words(
        "Tells later how far the erasure is. It names nobody.",
        _SESSION_ID,
        {"pattern": "^[0-9a-f]{33}$"},
    ),
    "EraseBody.receiptId": Words("Of the erasure that is asked about.", _SESSION_ID),
    "EraseReply.sessions": Words(
        "How many sessions there were, open and ended ones.", 3, {"minimum": 0}
    ),
    "erasedAt": Words("When the last of it was gone; null until then.", "2026-11-20T22:00:00.000Z"),
    "ErrorCause.target": Words("The part that is not ready.", "face"),
    "HealthReply.status": Words("The app runs.", "ok"),
    "authToken": Words(
        "For Microsoft's SDK on the device. Told this once; never log it.",
        "eyJhbGciOiJIUzI1NiJ9.eyJzaWQiOiI3Yj...",
        {"minLength": 1},
    ),
    "sessionToken": Words(
        "Opens this session's status, complete and cancel, in `X-Session-Token`. Told this once.",
        "3fJx0vQm7Yb2kZcWnTg8sUeRhLpAoDi5MBqXyNE1_4w",
        {"minLength": 1, "maxLength": 64},
    ),
    "expiresAt": Words("When `authToken` ends.", "2026-03-04T05:16:07.089Z"),
    "expiresInSeconds": Words("The same from now, for clocks that differ.", 600, _SECONDS),
    "retryAfterSeconds": Words(
        "When to come back; the same number as in `Retry-After`.", 2, {"minimum": 1}
    ),
    # Of a list.
    "sessions": Words("Some of the person's sessions, the newest first.", None, {"maxItems": 50}),
    "continuation": Words("Where the next page begins; null on the last.", "AX3kq0..."),
    "ListBody.continuation": Words(
        "What the page before gave, for the same person; the first page without it.", "AX3kq0..."
    ),
    # Of a create.
    "deviceCorrelationId": Words(
        "A random id that you keep for the device. Required, unless"
        " `deviceCorrelationIdSetInClient` is true.",
        "9f2c41d07a6b4e58",
    ),
    "deviceCorrelationIdSetInClient": Words(
        "The SDK gives the device's id on the client instead.", example=False
    ),
    "userCorrelationId": Words("A random id that you keep for the person.", "c31e8ab75d0f4962"),
    "livenessOperationMode": Words("As Face has it; `PassiveActive` unless told.", "PassiveActive"),
    "authTokenTimeToLiveInSeconds": Words(
        "How long the tokens live: 600 or `MAX_TOKEN_SECONDS`, whichever is less, unless told;"
        " `MAX_TOKEN_SECONDS` at most.",
        600,
    ),
    "enableSessionImage": Words(
        "Keep the picture of the check; `true` is 400 unless `SESSION_IMAGE` allows it.",
        example=False,
    ),
    "referenceSessionId": Words(
        "Verify against the picture that is kept of an earlier check of the same person, which"
        " passed.",
        _SESSION_ID,
    ),
    "verifyImageSetInClient": Words(
        "The mobile SDK brings the reference image; `true` is 400 unless"
        " `CLIENT_REFERENCE_IMAGE` allows it.",
        example=False,
    ),
    "verifyImageSha256": Words(
        "The hash of the image that the SDK brings; only then.",
        "a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90",
    ),
    "referenceImage": Words("What Face thinks of the reference image; only with verify.", None),
    "qualityForRecognition": Words(
        "`low`, `medium` or `high`; null where Face does not say.", "high"
    ),
    "faceRectangle": Words("Where the face is; null where Face does not say.", None),
    "top": Words("From the upper edge, in pixels.", 316),
    "left": Words("From the left edge, in pixels.", 131),
    "width": Words("In pixels.", 498, _RECT_PIXELS),
    "height": Words("In pixels.", 677, _RECT_PIXELS),
    # Of a completion.
    "CompletionBody.digest": Words(
        "From the SDK, on success. It counts only without an error.",
        "a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90",
        {"pattern": "^([0-9A-Fa-f]{64})?$"},
    ),
    **_said("resultId", "From the SDK: noted, never a reason to pass.", _RESULT_ID),
    **_said(
        "livenessError",
        "From the SDK, when the try failed; `None`, in any spelling, is no error.",
        "TimedOut",
    ),
    **_said(
        "recognitionError",
        "From the SDK, when verifying failed; `None`, in any spelling, is no error.",
        "FaceNotFound",
    ),
    "CompletionBody.error": Words("The two errors, for whoever likes them in one object.", None),
    # Of a result.
    "outcome": Words("Null unless the session is `completed`.", "passed"),
    "reasons": Words(
        "Why the check has not passed; empty if it has. New ones may come.",
        ["Spoof"],
        {"items": {"$ref": "#/components/schemas/Reason"}},
    ),
    "livenessDecision": Words(
        "Face's word: `realface`, `spoofface`, `uncertain`; null where no attempt has one.",
        "realface",
    ),
    "attempt": Words("The attempt that was judged.", None),
    "attemptId": Words("Its number at Face, from 1.", 1),
    "attemptCount": Words("How many attempts there were.", 1),
    "errorCode": Words("Face's error, if the attempt failed.", "TimedOut"),
    "verify": Words("How the face compares; null without a reference image.", None),
    "isIdentical": Words("Face's word on whether it is the same person.", example=True),
    "matchConfidence": Words("From 0 to 1, as Face says.", 0.93, {"minimum": 0, "maximum": 1}),
    "verifyImageHash": Words("Whether Face verified against the image that was sent.", "matched"),
    "ResultReply.digest": Words(
        "The device's digest against Face's; null without an outcome.", "matched"
    ),
    "lateDigest": Words(
        "The first digest that came after the end, where none came before, against Face's:"
        " `none`, `matched`, `mismatched`. The outcome stands.",
        "none",
    ),
    "reported": Words("What the frontend said; never a reason to pass.", None),
    "modelVersion": Words("Face's liveness model.", "2024-11-15"),
    "sessionImage": Words(
        "Where the picture of the check is: `none`, `pending` at Face, `stored`, `unavailable`.",
        "stored",
    ),
    "faceAttributes": Words(
        "What Face sees on the picture (`SESSION_IMAGE_ANALYSIS`): its array of faces as it came;"
        " null where it was not asked or had no answer.",
        [{"faceAttributes": {"mask": {"type": "noMask", "noseAndMouthCovered": False}}}],
    ),
    "faceRequestIds": Words("The last of each operation; Microsoft's support asks for them.", None),
    **{
        f"ResultFaceRequestIds.{name}": Words(
            f"Of the last {name}; null if there was none.", "4b0e7c3b-9a1d-4826-8f1b-0c2d9e8a7b6c"
        )
        for name in ("create", "get", "delete", "image", "detect")
    },
    "reference": Words(
        "Your own id for what this check is for; compare it in the result.", "order-7b1f03c2"
    ),
    "attempts": Words("All of Face's attempts, the oldest first.", None),
    "RecordedAttempt.livenessDecision": Words(
        "Face's word on this attempt; null where it has none.", "realface"
    ),
    "RecordedAttempt.status": Words("How far Face says that it came.", "Succeeded"),
    "errorMessage": Words("Face's words on that error.", "Mask detected on face image."),
    "source": Words(
        "Who brought it: your `server`, an earlier `session`, or the `client`.", "server"
    ),
    "consumedAt": Words("When the result was made use of.", "2026-03-04T05:06:40.000Z"),
    "consumer": Words("Who has made use of the result, or will.", "payments"),
    "createdAt": Words("When the session was created.", "2026-03-04T05:06:07.089Z"),
    "endedAt": Words("When it ended.", "2026-03-04T05:06:31.412Z"),
    "createdBy": Words("Who created it, with `SERVER_AUTH=entra`; else null.", None),
    "appId": Words("The application, in Entra.", "22222222-2222-2222-2222-222222222222"),
    "objectId": Words("Whom it acts for, in Entra.", "33333333-3333-3333-3333-333333333333"),
    # Of an error.
    "ErrorReply.error": Words("What went wrong.", None),
    "ErrorDetails.code": Words(
        "Stable: decide by this.", "InvalidRequest", {"$ref": "#/components/schemas/ErrorCode"}
    ),
    "ErrorCause.code": Words("Face's own code.", "FaceNotFound", {"minLength": 1}),
    "message": Words(
        "For people; it may change.", "deviceCorrelationId is required", {"minLength": 1}
    ),
    "target": Words("The field that is wrong.", "deviceCorrelationId"),
    "details": Words("Face's own code, if it was Face who said no.", None),
}


def words_of(struct: str, name: str) -> Words:
    """Return what is said of a struct's field."""
    try:
        return FIELDS.get(f"{struct}.{name}") or FIELDS[name]
    except KeyError:
        raise KeyError(f"say in {__name__} what {struct}.{name} means") from None
