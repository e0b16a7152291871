import hashlib

from tests.support.builders import PNG, a_request


def test_an_image_is_hashed_once_however_often_its_hash_is_asked_for() -> None:
    request = a_request(image=PNG)

    first, second = (request.verify_image_sha256 for _ in range(2))

    assert first is second
    assert first == hashlib.sha256(PNG).hexdigest()
