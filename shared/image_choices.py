"""What a deployment may choose about pictures, and what Face can tell of one of them at once."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from shared.setting_rules import Rule


class SessionImage(StrEnum):
    """Whether the picture of a check is kept: never, where a create asks for it, or always."""

    OFF = "off"
    ALLOW = "allow"
    ALWAYS = "always"


class VerifyImageHash(StrEnum):
    """Whether Face must have verified against our image, or that is only noted."""

    REQUIRE = "require"
    RECORD = "record"


class ClientReferenceImage(StrEnum):
    """Whether a device may bring the image that it is verified against."""

    REFUSE = "refuse"
    ALLOW = "allow"


# What each detection model can tell; only the first knows masks.
# https://learn.microsoft.com/rest/api/face/face-detection-operations/detect?view=rest-face-v1.2
_ATTRIBUTES: Mapping[str, set[str]] = {
    "detection_03": {"blur", "headPose", "mask", "qualityForRecognition"},
    "detection_01": {
        "accessories",
        "blur",
        "exposure",
        "glasses",
        "headPose",
        "noise",
        "occlusion",
        "qualityForRecognition",
    },
}


def face_attributes() -> Rule[tuple[str, ...]]:
    """Want names of attributes that one detection model can tell together."""
    return Rule(
        parse=_parse_attributes,
        must_be="face attributes of one detection model, with commas between",
        default=(),
    )


def detection_model(attributes: Iterable[str]) -> str:
    """Choose the model that tells all of these attributes; ValueError where there is none."""
    wanted = set(attributes)
    model = "detection_03" if "mask" in wanted else "detection_01"
    if not wanted <= _ATTRIBUTES[model]:
        raise ValueError
    return model


def _parse_attributes(text: str) -> tuple[str, ...]:
    attributes = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    detection_model(attributes)
    return attributes
