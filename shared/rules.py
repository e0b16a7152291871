"""What the settings decide, as start, flow and walk want it."""

from datetime import timedelta

from shared.flow.start import StartRules
from shared.image_choices import SessionImage, VerifyImageHash
from shared.late_loading import load_later
from shared.session.face_answer import Quality
from shared.session.limits import Limits
from shared.settings import DigestPolicy, Settings

with load_later():
    from shared.session import decisions, verdict


def start_rules(settings: Settings) -> StartRules:
    """Say who may start what."""
    return StartRules(
        allows_creates=settings.allow_creates,
        grace=timedelta(seconds=settings.session_grace_seconds),
        limits=_limits(settings),
        min_reference_quality=Quality(settings.min_reference_quality),
    )


def session_rules(settings: Settings, *, sends_events: bool) -> "decisions.Rules":
    """Say how a session lives, and how its check is judged."""
    return decisions.Rules(
        policy=verdict.Policy(
            digest_required=settings.digest_policy is DigestPolicy.REQUIRED,
            confidence_floor=settings.verify_confidence_floor,
            image_hash_required=settings.verify_image_hash is VerifyImageHash.REQUIRE,
            min_reference_quality=Quality(settings.min_reference_quality),
        ),
        grace=timedelta(seconds=settings.session_grace_seconds),
        retention=timedelta(days=settings.retention_days),
        walks_by_message=sends_events or settings.session_image is not SessionImage.OFF,
        sends_events=sends_events,
        analyzes_images=bool(settings.session_image_analysis),
        limits=_limits(settings),
    )


def _limits(settings: Settings) -> Limits:
    return Limits(
        max_open_sessions=settings.max_open_sessions,
        max_starts_per_hour=settings.max_starts_per_hour,
        max_failures=settings.max_failures,
    )
