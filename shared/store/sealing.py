"""What is kept of a person, sealed or hashed: readable to nobody who has the table alone.

Every key comes from the app's secret by HKDF (https://www.rfc-editor.org/rfc/rfc5869), each under
its own label, and is used for one thing. A sealed text is base64url of version, salt, nonce and
what AES-GCM made of it; the salt makes the key, so that no key is used so often as to be worn out
(https://doi.org/10.6028/NIST.SP.800-38D, 8.3).
"""

import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.errors import UnreadableRecordError
from shared.secret import Secret
from shared.session.ids import RandomBytes, SessionId
from shared.session.shard import KeyHash, PersonHash

_VERSION = b"\x01"
_KEY_BYTES, _SALT_BYTES, _NONCE_BYTES, _TAG_BYTES = 32, 16, 12, 16
_HEADER_BYTES = len(_VERSION) + _SALT_BYTES + _NONCE_BYTES
_ALPHABET = b"-_"


class Sealer:
    """Seals and hashes by the app's secret, which must never change."""

    def __init__(self, app_secret: Secret, random_bytes: RandomBytes) -> None:
        """Derive a key for each use."""
        secret = app_secret.reveal().encode()
        self._person_key = _derive(secret, label="person hash")
        self._key_hash_key = _derive(secret, label="idempotency key hash")
        self._request_key = _derive(secret, label="request hash")
        self._id_key = _derive(secret, label="correlation id")
        self._answer_key = _derive(secret, label="answer")
        self._place_key = _derive(secret, label="place in a list")
        self._random_bytes = random_bytes

    def hash_person(self, kind: str, person_id: str) -> PersonHash:
        """Return what stands for a person, whose id must be normalized, of this kind."""
        return PersonHash(_hash(self._person_key, kind, person_id))

    def hash_key(self, person: PersonHash, idempotency_key: Secret) -> KeyHash:
        """Return what may be stored of a key; it belongs to its person: others may use the same."""
        return KeyHash(_hash(self._key_hash_key, person, idempotency_key.reveal()))

    def hash_request(self, request: str) -> str:
        """Return what may be stored of a request, in which there are ids that could be guessed."""
        return _hash(self._request_key, request)

    def seal_id(self, text: str, *, session_id: SessionId) -> str:
        """Seal a correlation id of a session."""
        return self._seal(self._id_key, text.encode(), session_id)

    def open_id(self, sealed: str, *, session_id: SessionId) -> str:
        """Open a correlation id; UnreadableRecordError if it is not this session's own."""
        return _open(self._id_key, sealed, session_id).decode()

    def seal_answer(
        self, answer: bytes, idempotency_key: Secret, *, session_id: SessionId, request_hash: str
    ) -> str:
        """Seal the answer to a create for whoever brings the same key with the same request."""
        return self._seal(self._replay_key(idempotency_key), answer, session_id, request_hash)

    def open_answer(
        self, sealed: str, idempotency_key: Secret, *, session_id: SessionId, request_hash: str
    ) -> bytes:
        """Open the answer; UnreadableRecordError if key, session or request are not its own."""
        return _open(self._replay_key(idempotency_key), sealed, session_id, request_hash)

    def seal_place(self, place: str, *, person: PersonHash) -> str:
        """Seal how far a list of a person's sessions has come."""
        return self._seal(self._place_key, place.encode(), person)

    def open_place(self, sealed: str, *, person: PersonHash) -> str:
        """Open a place; UnreadableRecordError if it is not one in this person's list."""
        return _open(self._place_key, sealed, person).decode()

    def _replay_key(self, idempotency_key: Secret) -> bytes:
        # The first part is always as long, so that no two pairs make the same.
        return self._answer_key + idempotency_key.reveal().encode()

    def _seal(self, key: bytes, plain: bytes, *bound: str) -> str:
        salt, nonce = self._random_bytes(_SALT_BYTES), self._random_bytes(_NONCE_BYTES)
        sealed = _cipher(key, salt).encrypt(nonce, plain, _join(*bound))
        return base64.b64encode(_VERSION + salt + nonce + sealed, _ALPHABET).decode()


class Seals:
    """The sealer, once the app's secret is there."""

    def __init__(self, fetch: Callable[[], Awaitable[Secret]], random_bytes: RandomBytes) -> None:
        """Take what gives the secret; it is asked each time, and knows it after the first."""
        self._fetch = fetch
        self._make = cache(lambda secret: Sealer(secret, random_bytes))

    async def get(self) -> Sealer:
        """Return the sealer."""
        return self._make(await self._fetch())


def _open(key: bytes, text: str, *bound: str) -> bytes:
    raw = _decode(text)
    if raw[: len(_VERSION)] != _VERSION or len(raw) < _HEADER_BYTES + _TAG_BYTES:
        raise UnreadableRecordError("what is sealed is of no version that is known here")
    header, sealed = raw[len(_VERSION) : _HEADER_BYTES], raw[_HEADER_BYTES:]
    salt, nonce = header[:_SALT_BYTES], header[_SALT_BYTES:]
    try:
        return _cipher(key, salt).decrypt(nonce, sealed, _join(*bound))
    except InvalidTag as error:
        raise UnreadableRecordError("what is sealed was changed, or is another's") from error


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, _ALPHABET, validate=True)
    except ValueError as error:
        raise UnreadableRecordError("what is sealed is not as it should be") from error


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(_derive(key, label="seal", salt=salt))


def _derive(secret: bytes, *, label: str, salt: bytes | None = None) -> bytes:
    info = f"face-liveness {label}".encode()
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=salt, info=info).derive(secret)


def _hash(key: bytes, *parts: str) -> str:
    return hmac.new(key, _join(*parts), hashlib.sha256).hexdigest()


def _join(*parts: str) -> bytes:
    return "\n".join(parts).encode()
