"""The picture that Face takes in a check. No I/O here, but for the one drawing."""

from pathlib import Path

from local.face.sessions import Attempt, Picture, Session

# A drawing, 270 wide and 480 high, and where the face is in it.
_DRAWING = Path(__file__).with_name("picture.jpg").read_bytes()
FACE_RECTANGLE = {"width": 158, "height": 182, "left": 56, "top": 190}

_HEAD = len(b"\xff\xd8")  # a JPEG begins with this mark
_COMMENT = b"\xff\xfe"
# The app takes 8 MiB.
_TOO_LARGE = 8 * 1024 * 1024 + 1


def picture_of(session: Session, attempt: Attempt) -> bytes:
    """Make the JPEG of an attempt, which names both in a comment."""
    note = f"session {session.session_id} attempt {attempt.attempt_id}".encode()
    comment = _COMMENT + (len(note) + 2).to_bytes(2) + note
    picture = _DRAWING[:_HEAD] + comment + _DRAWING[_HEAD:]
    # What follows a picture's end is not looked at.
    return picture.ljust(_TOO_LARGE, b"\0") if attempt.picture is Picture.TOO_LARGE else picture
