"""What a caller wants checked, and of whom."""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum

from shared.session.person import Person, PersonKind
from shared.session.reference import ReferenceSource
from shared.session.session import Kind


class Mode(StrEnum):
    """How a check is made: from the picture alone, or by lighting up the face as well."""

    PASSIVE = "Passive"
    PASSIVE_ACTIVE = "PassiveActive"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRequest:
    """What a caller wants checked."""

    mode: Mode
    token_seconds: int
    device_correlation_id: str | None = field(default=None, repr=False)
    user_correlation_id: str | None = field(default=None, repr=False)
    reference: str | None = field(default=None, repr=False)
    keeps_image: bool = False
    verify_image: bytes | None = field(default=None, repr=False)
    # Of these three at most one says where the reference image comes from.
    reference_session_id: str | None = None
    client_image_sha256: str | None = field(default=None, repr=False)
    # The hash that Face must report for the reference image: made once, where the request is read.
    verify_image_sha256: str | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Hash the image."""
        image, found = self.verify_image, self.client_image_sha256
        made = found if image is None else hashlib.sha256(image).hexdigest()
        object.__setattr__(self, "verify_image_sha256", made)

    @property
    def kind(self) -> Kind:
        """Which of the two checks this is: a reference image makes it the one with verify."""
        return Kind.LIVENESS if self.reference_source is None else Kind.LIVENESS_WITH_VERIFY

    @property
    def reference_source(self) -> ReferenceSource | None:
        """Who brings the reference image, if there is one."""
        if self.client_image_sha256 is not None:
            return ReferenceSource.CLIENT
        if self.reference_session_id is not None:
            return ReferenceSource.SESSION
        return None if self.verify_image is None else ReferenceSource.SERVER

    @property
    def person(self) -> Person | None:
        """Whom the session belongs with: the user if known, else the device."""
        if self.user_correlation_id is not None:
            return Person(kind=PersonKind.USER, id=self.user_correlation_id)
        if self.device_correlation_id is not None:
            return Person(kind=PersonKind.DEVICE, id=self.device_correlation_id)
        return None
