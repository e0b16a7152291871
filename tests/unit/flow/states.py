"""One session in every state of its life, and every way in which Face can be unheard."""

import pytest

from shared.errors import FaceRefusedError, FaceUnavailableError, KeyUnavailableError
from shared.session import transitions
from shared.session.session import Outcome, Verdict
from tests.support.builders import GRACE, NOW, TOKEN_LIFE, a_session

STALE_AT = NOW + TOKEN_LIFE + GRACE
STARTED = a_session()
PROCESSING = transitions.processing(STARTED, NOW)
OPEN = [pytest.param(STARTED, id="started"), pytest.param(PROCESSING, id="processing")]
FINAL = [
    pytest.param(
        transitions.completed(STARTED, Verdict(outcome=Outcome.REJECTED), NOW), id="completed"
    ),
    pytest.param(transitions.abandoned(STARTED, NOW), id="abandoned"),
    pytest.param(transitions.canceled(STARTED, NOW), id="canceled"),
]
# Each of them leaves open what Face would have said, or what it has done.
UNKNOWN_OUTCOMES = [
    pytest.param(FaceUnavailableError("down"), id="FaceUnavailable"),
    pytest.param(FaceRefusedError("no"), id="FaceRefused"),
    pytest.param(KeyUnavailableError("no key"), id="KeyUnavailable"),
]
