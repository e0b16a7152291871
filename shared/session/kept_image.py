"""What is kept of the picture of a check: nothing, or one image for each session."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from shared.session.face_answer import Attempt
from shared.session.ids import SessionImageId


class ImageState(StrEnum):
    """Where the picture of a check is: nowhere, still at Face, in our store, or lost for good."""

    NONE = "none"
    PENDING = "pending"
    STORED = "stored"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptImage:
    """The picture of the attempt that was judged, and what Face sees on it."""

    is_wanted: bool = False
    state: ImageState = ImageState.NONE
    face_image_id: SessionImageId | None = field(default=None, repr=False)
    is_analysis_due: bool = False
    # Face's array of faces as JSON.
    face_attributes: str | None = field(default=None, repr=False)

    @property
    def needs_face(self) -> bool:
        """Must Face keep the session for it."""
        return self.state is ImageState.PENDING or self.is_analysis_due

    def of(self, attempt: Attempt | None, *, analyzes: bool) -> "KeptImage":
        """Return what is to be kept once this attempt was judged."""
        if not self.is_wanted or attempt is None or not attempt.has_result:
            return self
        if attempt.session_image_id is None:
            return replace(self, state=ImageState.UNAVAILABLE)
        return replace(
            self,
            state=ImageState.PENDING,
            face_image_id=attempt.session_image_id,
            is_analysis_due=analyzes,
        )

    def stored(self) -> "KeptImage":
        """Return that we have it."""
        return replace(self, state=ImageState.STORED)

    def unavailable(self) -> "KeptImage":
        """Return that it is not to be had, neither now nor later."""
        return replace(self, state=ImageState.UNAVAILABLE)

    def analyzed(self, face_attributes: str | None) -> "KeptImage":
        """Return that Face was asked what it shows, whatever it said."""
        return replace(self, face_attributes=face_attributes, is_analysis_due=False)
