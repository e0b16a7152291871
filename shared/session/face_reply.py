"""What Face answered, for how long it knows, and by which ids its support finds the calls."""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

# https://learn.microsoft.com/azure/ai-services/computer-vision/concept-face-liveness-detection
FACE_FORGETS_AFTER = timedelta(hours=48)


class FaceCall(StrEnum):
    """What Face is asked for; the fields of FaceRequestIds have the same names."""

    CREATE = "create"
    GET = "get"
    DELETE = "delete"
    IMAGE = "image"
    DETECT = "detect"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceReply[T]:
    """What Face answered to one call, and its `apim-request-id`."""

    value: T
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceRequestIds:
    """The last `apim-request-id` of each operation on a session."""

    create: str | None = None
    get: str | None = None
    delete: str | None = None
    image: str | None = None
    detect: str | None = None

    def having(self, call: FaceCall, request_id: str | None) -> "FaceRequestIds":
        """Return them with the id of a later call, if it had one."""
        return replace(self, **{call: request_id}) if request_id else self
