import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import UnreadableRecordError
from shared.secret import Secret
from shared.session.ids import SessionId
from shared.session.shard import PersonHash
from shared.store.sealing import Sealer
from tests.support.builders import PERSON, SESSION_ID

APP_SECRET = "an app secret of some 40 characters: é🙂!"
KEY = Secret("order-1001-of-alice")
OTHER_SESSION = SessionId("6" * 33)
REQUEST = "ab" * 32
ANSWER = b'{"authToken": "eyJ-the-auth-token", "sessionToken": "the-session-token"}'
SEALER = Sealer(Secret(APP_SECRET), secrets.token_bytes)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=64)
KEYS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=16, max_size=255)


def hkdf(secret: bytes, *, salt: bytes, info: bytes, length: int = 32) -> bytes:
    """Extract and expand, written after https://www.rfc-editor.org/rfc/rfc5869#section-2."""
    extracted = hmac.digest(salt or bytes(32), secret, "sha256")
    block, expanded = b"", b""
    while len(expanded) < length:
        block = hmac.digest(extracted, block + info + bytes([len(expanded) // 32 + 1]), "sha256")
        expanded += block
    return expanded[:length]


@pytest.mark.parametrize(
    ("salt", "info", "expected"),
    [
        pytest.param(
            bytes(range(13)),
            bytes(range(0xF0, 0xFA)),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
            id="with-salt-and-info",
        ),
        pytest.param(
            b"",
            b"",
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
            id="without",
        ),
    ],
)
def test_keys_are_derived_as_the_rfc_has_it(salt: bytes, info: bytes, expected: str) -> None:
    assert hkdf(b"\x0b" * 22, salt=salt, info=info, length=42).hex() == expected


def key_for(label: str) -> bytes:
    return hkdf(APP_SECRET.encode(), salt=b"", info=f"face-liveness {label}".encode())


@pytest.mark.parametrize(
    ("label", "words", "hashed"),
    [
        ("person hash", ["user", "bob"], SEALER.hash_person("user", "bob")),
        ("idempotency key hash", [PERSON, KEY.reveal()], SEALER.hash_key(PERSON, KEY)),
        ("request hash", [REQUEST], SEALER.hash_request(REQUEST)),
    ],
)
def test_a_hash_is_an_hmac_under_a_key_of_its_own(
    label: str, words: list[str], hashed: str
) -> None:
    expected = hmac.new(key_for(label), "\n".join(words).encode(), hashlib.sha256).hexdigest()

    assert hashed == expected
    assert re.fullmatch(r"[0-9a-f]{64}", hashed)


def open_by_the_book(sealed: str, key: bytes, bound: str) -> bytes:
    raw = base64.urlsafe_b64decode(sealed)
    salt, nonce, plain, tag = raw[1:17], raw[17:29], raw[29:-16], raw[-16:]
    sealing_key = hkdf(key, salt=salt, info=b"face-liveness seal")
    opener = Cipher(AES(sealing_key), GCM(nonce, tag)).decryptor()
    opener.authenticate_additional_data(bound.encode())
    return opener.update(plain) + opener.finalize()


def test_an_id_is_sealed_for_its_session_as_the_page_says() -> None:
    sealed = SEALER.seal_id("bob", session_id=SESSION_ID)

    assert open_by_the_book(sealed, key_for("correlation id"), SESSION_ID) == b"bob"


def test_an_answer_is_sealed_for_key_session_and_request_as_the_page_says() -> None:
    sealed = SEALER.seal_answer(ANSWER, KEY, session_id=SESSION_ID, request_hash=REQUEST)
    key = key_for("answer") + KEY.reveal().encode()

    assert open_by_the_book(sealed, key, f"{SESSION_ID}\n{REQUEST}") == ANSWER


def test_what_was_sealed_once_is_opened_by_every_later_version() -> None:
    # Under the salt 00 01 02 ... and the nonce 00 01 02 ...
    an_id = "AQABAgMEBQYHCAkKCwwNDg8AAQIDBAUGBwgJCgu6jNk4CryYUP4S6kBqpMygwzdg"
    answer = (
        "AQABAgMEBQYHCAkKCwwNDg8AAQIDBAUGBwgJCgtOeNWeRJCYwzXU2ZejPkjK4HJiL0W98Pnuj1s2lYYwuIE2"
        "qHWmO07Tl9W-R3MCzXBGaoIt4Vp45J4qiy9WhpYy3c2HN5Xy1r0hxxQlBocjOcHj4SZSW_5u"
    )

    assert SEALER.open_id(an_id, session_id=SESSION_ID) == "bob"
    opened = SEALER.open_answer(answer, KEY, session_id=SESSION_ID, request_hash=REQUEST)
    assert opened == ANSWER


@given(text=TEXTS)
def test_an_id_comes_back_as_it_was(text: str) -> None:
    sealed = SEALER.seal_id(text, session_id=SESSION_ID)

    assert SEALER.open_id(sealed, session_id=SESSION_ID) == text


@given(answer=st.binary(max_size=2000), key=KEYS.map(Secret))
def test_an_answer_comes_back_byte_for_byte(answer: bytes, key: Secret) -> None:
    sealed = SEALER.seal_answer(answer, key, session_id=SESSION_ID, request_hash=REQUEST)
    opened = SEALER.open_answer(sealed, key, session_id=SESSION_ID, request_hash=REQUEST)

    assert opened == answer


def open_id(sealed: str) -> object:
    return SEALER.open_id(sealed, session_id=SESSION_ID)


def open_answer(sealed: str) -> object:
    return SEALER.open_answer(sealed, KEY, session_id=SESSION_ID, request_hash=REQUEST)


def open_place(sealed: str) -> object:
    return SEALER.open_place(sealed, person=PERSON)


SEALED_PLACE = SEALER.seal_place("4-of-1000", person=PERSON)
SEALED_ID = SEALER.seal_id("bob", session_id=SESSION_ID)
SEALED_ANSWER = SEALER.seal_answer(ANSWER, KEY, session_id=SESSION_ID, request_hash=REQUEST)
BOTH = pytest.mark.parametrize(
    ("opened", "sealed"),
    [
        pytest.param(open_id, SEALED_ID, id="id"),
        pytest.param(open_answer, SEALED_ANSWER, id="answer"),
        pytest.param(open_place, SEALED_PLACE, id="place"),
    ],
)


@BOTH
def test_a_bit_that_changed_anywhere_is_noticed(
    opened: Callable[[str], object], sealed: str
) -> None:
    raw = base64.urlsafe_b64decode(sealed)
    for place in range(len(raw)):
        changed = bytearray(raw)
        changed[place] ^= 1 << place % 8
        with pytest.raises(UnreadableRecordError):
            opened(base64.urlsafe_b64encode(changed).decode())


@BOTH
def test_what_is_cut_short_or_goes_on_is_noticed(
    opened: Callable[[str], object], sealed: str
) -> None:
    raw = base64.urlsafe_b64decode(sealed)
    for other in [*(raw[:length] for length in range(len(raw))), raw + b"\0", raw + raw]:
        with pytest.raises(UnreadableRecordError):
            opened(base64.urlsafe_b64encode(other).decode())


@BOTH
@given(
    text=st.text(min_size=1)
    | st.binary().map(lambda raw: base64.urlsafe_b64encode(b"\1" + raw).decode())
)
def test_whatever_else_lies_there_is_unreadable_and_no_crash(
    opened: Callable[[str], object], sealed: str, text: str
) -> None:
    for strange in ("", text, sealed + text, text + sealed):
        with pytest.raises(UnreadableRecordError):
            opened(strange)


@pytest.mark.parametrize(
    "opened",
    [
        pytest.param(lambda: SEALER.open_id(SEALED_ID, session_id=OTHER_SESSION), id="id-moved"),
        pytest.param(
            lambda: SEALER.open_id(SEALED_ANSWER, session_id=SESSION_ID), id="id-is-answer"
        ),
        pytest.param(lambda: open_answer(SEALED_ID), id="answer-is-id"),
        pytest.param(
            lambda: SEALER.open_answer(
                SEALED_ANSWER, KEY, session_id=OTHER_SESSION, request_hash=REQUEST
            ),
            id="answer-moved",
        ),
        pytest.param(
            lambda: SEALER.open_answer(
                SEALED_ANSWER, KEY, session_id=SESSION_ID, request_hash="cd" * 32
            ),
            id="other-request",
        ),
        pytest.param(
            lambda: SEALER.open_answer(
                SEALED_ANSWER,
                Secret("order-1001-of-alicf"),
                session_id=SESSION_ID,
                request_hash=REQUEST,
            ),
            id="other-key",
        ),
        pytest.param(
            lambda: Sealer(Secret(APP_SECRET + "."), bytes).open_id(
                SEALED_ID, session_id=SESSION_ID
            ),
            id="id-with-another-apps-secret",
        ),
        pytest.param(
            lambda: Sealer(Secret(APP_SECRET + "."), bytes).open_answer(
                SEALED_ANSWER, KEY, session_id=SESSION_ID, request_hash=REQUEST
            ),
            id="answer-with-another-apps-secret",
        ),
    ],
)
def test_only_its_own_key_session_and_request_open_it(opened: Callable[[], object]) -> None:
    with pytest.raises(UnreadableRecordError, match="another's"):
        opened()


@given(
    one=st.tuples(st.sampled_from(["user", "device"]), TEXTS),
    another=st.tuples(st.sampled_from(["user", "device"]), TEXTS),
)
def test_two_people_share_a_hash_only_if_they_are_one(
    one: tuple[str, str], another: tuple[str, str]
) -> None:
    assert (SEALER.hash_person(*one) == SEALER.hash_person(*another)) == (one == another)


def test_the_same_key_of_another_person_or_app_is_another_key() -> None:
    other_app = Sealer(Secret(APP_SECRET + "."), bytes)

    assert len({
        SEALER.hash_key(PERSON, KEY),
        SEALER.hash_key(PersonHash("8d" * 32), KEY),
        SEALER.hash_key(PERSON, Secret("order-1001-of-bob!!")),
        other_app.hash_key(PERSON, KEY),
    }) == 4  # fmt: skip
    assert SEALER.hash_person("user", "bob") != other_app.hash_person("user", "bob")
    assert SEALER.hash_request(REQUEST) != other_app.hash_request(REQUEST)


@given(text=st.text(st.characters(codec="utf-8"), min_size=4, max_size=200))
def test_what_is_sealed_holds_nothing_of_the_plain_text(text: str) -> None:
    sealed_id = SEALER.seal_id(text, session_id=SESSION_ID)
    answer = SEALER.seal_answer(text.encode(), KEY, session_id=SESSION_ID, request_hash=REQUEST)
    as_base64 = base64.urlsafe_b64encode(text.encode()).decode()[:8]

    for sealed in (sealed_id, answer):
        assert text.encode()[:4] not in base64.urlsafe_b64decode(sealed)
        assert as_base64 not in sealed


def test_what_is_sealed_twice_is_never_the_same() -> None:
    sealed = {SEALER.seal_id("bob", session_id=SESSION_ID) for _ in range(100)}

    assert len(sealed) == 100


def test_a_sealer_shows_no_key_and_an_error_shows_nothing_that_was_sealed() -> None:
    with pytest.raises(UnreadableRecordError) as caught:
        SEALER.open_id(SEALED_ANSWER, session_id=SESSION_ID)

    for shown in (repr(SEALER), str(SEALER), str(caught.value), repr(caught.value.__cause__)):
        assert APP_SECRET[:12] not in shown
        assert SEALED_ANSWER[:12] not in shown


def test_a_long_answer_fits_a_column() -> None:
    sealed = SEALER.seal_answer(bytes(16_384), KEY, session_id=SESSION_ID, request_hash=REQUEST)

    # https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
    assert len(sealed.encode("utf-16-le")) <= 65_536
    assert re.fullmatch(r"[A-Za-z0-9_=-]+", sealed)
