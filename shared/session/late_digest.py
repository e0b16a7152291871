"""A digest that arrives after the end is compared all the same, once; the outcome stands."""

import hashlib
import hmac
from enum import StrEnum

from shared.session.face_answer import Attempt


class LateDigest(StrEnum):
    """How the first digest that came after the end compares with Face's."""

    NONE = "none"
    MATCHED = "matched"
    MISMATCHED = "mismatched"


def hash_for_later(attempt: Attempt | None) -> str | None:
    """Return what to keep of Face's digest; None where it has given no result."""
    if attempt is None or not attempt.has_result:
        return None
    # A result without a digest cannot confirm one that is reported.
    return _hash(attempt.digest or "none")


def compare_late(digest: str, face_digest_hash: str) -> LateDigest:
    """Compare a reported digest with what was kept of Face's."""
    same = hmac.compare_digest(_hash(digest), face_digest_hash)
    return LateDigest.MATCHED if same else LateDigest.MISMATCHED


def _hash(digest: str) -> str:
    return hashlib.sha256(digest.lower().encode()).hexdigest()
