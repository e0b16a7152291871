"""What a deployment asks of Face at every create."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceChoices:
    """Which model, and how alike two faces must be; where nothing is asked, Face decides."""

    model_version: str = ""
    confidence_threshold: float | None = None

    @property
    def are_made(self) -> bool:
        """Is anything asked that Face could find wrong."""
        return self != NO_CHOICES


NO_CHOICES = FaceChoices()
