"""The ending that a session must have, from what was played: written anew, on purpose."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.chaos.history import Played

_DECISIONS = {"realface", "spoofface", "uncertain"}
_TRIES = 3

type Verdict = tuple[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """What the row says was reported, compared with what the device was told."""

    reported: str | None
    differ: bool


def is_over(played: Sequence[Played]) -> bool:
    """Tell whether Face has said its last word."""
    return ending(played) is not None


def ending(played: Sequence[Played]) -> Played | None:
    """Return the play with which Face had said its last word."""
    errors = 0
    for one in played:
        errors += one.play.outcome.startswith("error:")
        if one.play.outcome in {*_DECISIONS, "canceled"} or errors == _TRIES:
            return one
    return None


def has_errors(played: Sequence[Played]) -> bool:
    """Tell whether the last thing of note that the device did was to fail."""
    return any(one.play.outcome.startswith("error:") for one in played)


def verdict(played: Sequence[Played], digests: Digests, *, with_verify: bool) -> Verdict:
    """Return outcome and reasons."""
    last = _last_attempt(played)
    decided = last is not None and last.play.outcome in _DECISIONS
    if tampering := _tampering(last if decided else None, digests, with_verify=with_verify):
        return "untrusted", tampering
    if last is None:
        return "inconclusive", ("Canceled",)
    if not decided:
        return "inconclusive", ("AttemptError",)
    return _decision(last, with_verify=with_verify)


def _last_attempt(played: Sequence[Played]) -> Played | None:
    attempts = [one for one in played if one.play.outcome not in {"running", "canceled"}]
    return attempts[-1] if attempts else None


def _tampering(decided: Played | None, digests: Digests, *, with_verify: bool) -> tuple[str, ...]:
    reasons = []
    wrong = decided is not None and digests.reported not in {None, str(decided.digest).lower()}
    if digests.differ or wrong:
        reasons.append("DigestMismatch")
    image = decided.play.overrides.get("verifyImageHash") if decided and with_verify else None
    if image is not None:
        reasons.append("ImageHashMismatch")
    return tuple(reasons)


def _decision(last: Played, *, with_verify: bool) -> Verdict:
    play, told = last.play, last.play.overrides
    rejections = ["Spoof"] if play.outcome == "spoofface" else []
    if with_verify and told.get("isIdentical", True) is False:
        rejections.append("DifferentPerson")
    if rejections:
        return "rejected", tuple(rejections)
    doubts = ["Uncertain"] if play.outcome == "uncertain" else []
    if with_verify and None in (told.get("isIdentical", True), told.get("matchConfidence", 1)):
        doubts.append("VerifyMissing")
    if with_verify and told.get("verifyImageHash", "") is None:
        doubts.append("ImageHashMissing")
    return ("inconclusive", tuple(doubts)) if doubts else ("passed", ())
