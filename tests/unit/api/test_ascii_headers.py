"""Azure makes a 500 of an answer whose headers are not ASCII, so that none of ours may be."""

import asyncio
import json

import azure.functions as func
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import composition
from shared.api import for_server
from shared.api.door import Audience
from shared.api.error_replies import STATUS_BY_ERROR
from shared.api.responses import Endpoint, Reply, answer
from shared.app import App
from shared.errors import AppError, ConfigurationError, InvalidRequestError
from tests.support.stage import Stage
from tests.unit.api.requests import a_context


@pytest.fixture(autouse=True)
def app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composition, "app", lambda: Stage().app)


def headers_of(endpoint: Endpoint, request: func.HttpRequest) -> str:
    context = a_context()
    response = asyncio.run(answer(endpoint, request, context, Audience.SERVER))
    return "".join(f"{name}: {value}\n" for name, value in response.headers.items())


def make_error(kind: type[AppError], words: str, seconds: int) -> AppError:
    if issubclass(kind, ConfigurationError):
        return kind([words])
    if issubclass(kind, InvalidRequestError):
        return kind(words, target=words, face_code=words)
    return kind(words, retry_after_seconds=seconds)


@settings(deadline=None)
@given(kind=st.sampled_from(list(STATUS_BY_ERROR)), words=st.text(), seconds=st.integers(0))
def test_whatever_an_error_says_its_answer_has_ascii_headers_only(
    kind: type[AppError], words: str, seconds: int
) -> None:
    async def endpoint(_: App, __: func.HttpRequest) -> Reply:
        raise make_error(kind, words, seconds)

    request = func.HttpRequest(method="GET", url="https://app.test/api/x", body=b"")

    assert headers_of(endpoint, request).isascii()


@settings(deadline=None)
@given(
    device=st.text(min_size=1, max_size=64),
    path=st.text(st.characters(min_codepoint=33, max_codepoint=126)),
)
def test_whoever_starts_a_session_and_wherever_the_answer_has_ascii_headers_only(
    device: str, path: str
) -> None:
    request = func.HttpRequest(
        method="POST",
        url=f"https://app.test/{path}",
        headers={"Content-Type": "application/json"},
        body=json.dumps({"deviceCorrelationId": device}).encode(),
    )

    assert headers_of(for_server.start_session, request).isascii()
