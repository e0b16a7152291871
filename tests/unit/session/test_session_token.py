import hashlib

import pytest

from shared.secret import Secret
from shared.session.session_token import NO_TOKEN_HASH, hash_token, new_token, token_matches
from tests.support.builders import TOKEN


def test_a_token_is_256_random_bits_as_url_safe_text() -> None:
    token = new_token(lambda count: bytes(range(0xE0, 0xE0 + count)))

    assert token == Secret("4OHi4-Tl5ufo6err7O3u7_Dx8vP09fb3-Pn6-_z9_v8")


def test_only_the_hash_of_a_token_is_kept() -> None:
    assert hash_token(TOKEN) == hashlib.sha256(TOKEN.reveal().encode()).hexdigest()


@pytest.mark.parametrize(
    "guess", ["", "the-session-tokem", "THE-SESSION-TOKEN", "\xe9", "\ud800"], ids=ascii
)
def test_only_its_own_token_opens_a_session(guess: str) -> None:
    assert token_matches(TOKEN, hash_token(TOKEN))
    assert not token_matches(Secret(guess), hash_token(TOKEN))
    assert not token_matches(Secret(guess), NO_TOKEN_HASH)
