"""A session that was just created; and what of that is sealed for whoever repeats the create."""

import json
from dataclasses import dataclass, replace

from shared.secret import Secret
from shared.session.face_answer import Quality, ReferenceImage
from shared.session.session import Session, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A session, with the two tokens that nobody sees but whoever created it."""

    session: Session
    auth_token: Secret
    session_token: Secret
    reference_image: ReferenceImage | None


def write_started(started: Started) -> bytes:
    """Write, in plain text, all that the session's own row does not tell."""
    image = started.reference_image
    return json.dumps(
        {
            "authToken": started.auth_token.reveal(),
            "sessionToken": started.session_token.reveal(),
            "referenceImage": image
            and {
                "quality": image.quality,
                "faceRectangle": image.face_rectangle and dict(image.face_rectangle),
            },
        }
    ).encode()


def read_started(session: Session, plain: bytes) -> Started:
    """Return what was written, with its session as it was when it began."""
    said = json.loads(plain)
    image = said["referenceImage"]
    return Started(
        session=replace(session, status=Status.STARTED),
        auth_token=Secret(said["authToken"]),
        session_token=Secret(said["sessionToken"]),
        reference_image=image
        and ReferenceImage(
            quality=image["quality"] and Quality(image["quality"]),
            face_rectangle=image["faceRectangle"],
        ),
    )
