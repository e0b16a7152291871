import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

from shared.errors import KeyUnavailableError
from shared.face.entra import EntraCredential, scope_of
from shared.secret import Secret

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential


@dataclass
class FakeCredential:
    """An identity whose tokens are numbered, or what a test has laid in wait."""

    troubles: deque[Exception] = field(default_factory=deque)
    scopes: list[str] = field(default_factory=list)
    silent: bool = False

    async def get_token(self, scope: str) -> AccessToken:
        self.scopes.append(scope)
        if self.silent:
            await asyncio.Event().wait()
        if self.troubles:
            raise self.troubles.popleft()
        return AccessToken(f"token-{len(self.scopes)}", 0)


@pytest.fixture
def credential() -> FakeCredential:
    return FakeCredential()


@pytest.fixture
def tokens(credential: FakeCredential) -> EntraCredential:
    return EntraCredential(
        cast("AsyncTokenCredential", credential),
        scope=scope_of("https://face.test"),
        timeout_seconds=60,
    )


async def test_a_token_is_for_cognitive_services(
    tokens: EntraCredential, credential: FakeCredential
) -> None:
    assert await tokens.get() == Secret("token-1")
    assert credential.scopes == ["https://cognitiveservices.azure.com/.default"]


@pytest.mark.parametrize(
    ("endpoint", "cloud"),
    [
        ("https://a.cognitiveservices.azure.com", "com"),
        ("https://a.cognitiveservices.azure.us", "us"),
        ("https://a.cognitiveservices.azure.us:443", "us"),
        ("https://azure.us.example.com", "com"),
        ("http://127.0.0.1:7072", "com"),
    ],
)
def test_a_token_is_for_the_cloud_of_the_endpoint(endpoint: str, cloud: str) -> None:
    assert scope_of(endpoint) == f"https://cognitiveservices.azure.{cloud}/.default"


async def test_a_refused_token_is_asked_for_anew(tokens: EntraCredential) -> None:
    first = await tokens.get()

    assert await tokens.refresh(first) == Secret("token-2")


async def test_a_token_that_face_refuses_is_not_shown_twice(tokens: EntraCredential) -> None:
    assert await tokens.refresh(Secret("token-1")) is None


async def test_an_identity_that_is_away_has_none_newer(
    tokens: EntraCredential, credential: FakeCredential
) -> None:
    credential.troubles.append(TimeoutError())

    assert await tokens.refresh(Secret("token-1")) is None


@pytest.mark.parametrize(
    "trouble",
    [
        ClientAuthenticationError("planted words"),
        ServiceRequestError("planted words"),
        TimeoutError(),
        ValueError("planted words"),
        ConnectionResetError(),
    ],
    ids=lambda trouble: type(trouble).__name__,
)
async def test_an_identity_that_gives_no_token_is_KeyUnavailable(  # noqa: N802
    trouble: Exception, tokens: EntraCredential, credential: FakeCredential
) -> None:
    credential.troubles.append(trouble)

    with pytest.raises(KeyUnavailableError) as caught:
        await tokens.get()

    assert str(caught.value) == f"Entra gave no token: {type(trouble).__name__}"


async def test_a_silent_identity_is_not_waited_for() -> None:
    silent = cast("AsyncTokenCredential", FakeCredential(silent=True))
    tokens = EntraCredential(silent, scope="any", timeout_seconds=0.01)

    with pytest.raises(KeyUnavailableError, match="TimeoutError"):
        await tokens.get()
