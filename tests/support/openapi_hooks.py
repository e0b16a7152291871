"""Leads Schemathesis to sessions that exist: every other call that names one gets a new one.

Loaded by the program itself, from SCHEMATHESIS_HOOKS.
"""

import os
from itertools import count
from typing import Any

import requests
import schemathesis
from hypothesis import strategies as st

from tests.support.world import picture

BASE_URL = os.environ["OPENAPI_BASE_URL"]
FACE_URL = os.environ["OPENAPI_FACE_URL"]
KEY = {"x-functions-key": "local-function-key"}
TIMEOUT_SECONDS = 30

# A form's file is a picture, or else anything.
schemathesis.openapi.media_type("image/jpeg", st.one_of(st.just(picture()), st.binary()))

_calls = count()


@schemathesis.hook
def before_call(_context: object, case: Any, _kwargs: dict[str, Any]) -> None:  # noqa: ANN401
    """Put a session of ours in place of one that nobody knows; half of them are played."""
    number = next(_calls)
    if not case.path_parameters or number % 2:
        return
    started = requests.post(
        f"{BASE_URL}/sessions",
        json={"deviceCorrelationId": f"device-{os.getpid()}-{number}"},
        headers=KEY,
        timeout=TIMEOUT_SECONDS,
    ).json()
    if number % 4:
        requests.post(
            f"{FACE_URL}/simulator/attempts",
            json={"outcome": "realface"},
            headers={"Authorization": f"Bearer {started['authToken']}"},
            timeout=TIMEOUT_SECONDS,
        )
    if number % 8 == 6:
        requests.post(
            f"{BASE_URL}/sessions/{started['sessionId']}/complete",
            headers={"X-Session-Token": started["sessionToken"]},
            timeout=TIMEOUT_SECONDS,
        )
    case.path_parameters["session_id"] = started["sessionId"]
    case.headers["X-Session-Token"] = started["sessionToken"]
