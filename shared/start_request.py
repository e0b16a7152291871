"""JSON or multipart to a StartRequest, or what is wrong with it."""

import hashlib
from dataclasses import dataclass, field
from io import BytesIO
from typing import IO

from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import MultiPartParser
from werkzeug.http import parse_options_header

from shared import json_body, reference_image
from shared.errors import InvalidRequestError, RequestTooLargeError, UnsupportedMediaTypeError
from shared.json_body import Fields
from shared.sessions import Kind

LARGEST_BYTES = 8 * 1024 * 1024
LONGEST_ID = 64
SHORTEST_TOKEN_SECONDS = 60
DEFAULT_TOKEN_SECONDS = 600

_MOST_PARTS = 8
_MOST_DIGITS = 9
# The parser holds one 64 KiB piece of a file at a time, and this bound counts that too.
_MOST_HELD_BYTES = 128 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRequest:
    """What a caller wants checked."""

    mode: str
    token_seconds: int
    device_correlation_id: str | None = field(default=None, repr=False)
    user_correlation_id: str | None = field(default=None, repr=False)
    verify_image: bytes | None = field(default=None, repr=False)

    @property
    def kind(self) -> Kind:
        """Which of the two checks this is: a reference image makes it the one with verify."""
        return Kind.LIVENESS if self.verify_image is None else Kind.LIVENESS_WITH_VERIFY

    @property
    def person(self) -> str | None:
        """Whom the session belongs with: the user if known, else the device."""
        return self.user_correlation_id or self.device_correlation_id

    @property
    def person_kind(self) -> str:
        """What names the person, so that a user and a device of one name stay two."""
        if self.user_correlation_id is not None:
            return "user"
        return "nobody" if self.device_correlation_id is None else "device"

    @property
    def person_sha256(self) -> str | None:
        """The hash under which a person's open sessions are counted."""
        if self.person is None:
            return None
        return hashlib.sha256(f"{self.person_kind}\n{self.person}".encode()).hexdigest()

    @property
    def verify_image_sha256(self) -> str | None:
        """The hash that Face must report for the reference image."""
        if self.verify_image is None:
            return None
        return hashlib.sha256(self.verify_image).hexdigest()


def parse(content_type: str, body: bytes, *, longest_token_seconds: int) -> StartRequest:
    """Read either form of the request."""
    media_type, options = parse_options_header(content_type)
    media_type = media_type.lower()
    if media_type == "application/json":
        return _start_request(json_body.read(body), None, longest_token_seconds)
    if media_type == "multipart/form-data":
        fields, image = _read_multipart(body, options.get("boundary", ""))
        return _start_request(fields, image, longest_token_seconds)
    raise UnsupportedMediaTypeError("the body must be application/json or multipart/form-data")


def _start_request(fields: Fields, image: bytes | None, longest_token_seconds: int) -> StartRequest:
    mode = fields.choice("livenessOperationMode", "Passive", "PassiveActive")
    seconds = fields.whole(
        "authTokenTimeToLiveInSeconds", SHORTEST_TOKEN_SECONDS, longest_token_seconds
    )
    user = fields.text("userCorrelationId", LONGEST_ID)
    device = fields.text("deviceCorrelationId", LONGEST_ID)
    _check_device(device, set_in_client=bool(fields.flag("deviceCorrelationIdSetInClient")))
    fields.end()
    return StartRequest(
        mode=mode or "PassiveActive",
        token_seconds=seconds or min(DEFAULT_TOKEN_SECONDS, longest_token_seconds),
        device_correlation_id=device,
        user_correlation_id=user,
        verify_image=image,
    )


def _check_device(device: str | None, *, set_in_client: bool) -> None:
    if set_in_client == (device is not None):
        raise InvalidRequestError(
            "deviceCorrelationId is required, unless deviceCorrelationIdSetInClient is true",
            target="deviceCorrelationId",
        )


def _read_multipart(body: bytes, boundary: str) -> tuple[Fields, bytes]:
    if len(body) > LARGEST_BYTES:
        raise RequestTooLargeError("a multipart body may have 8 MiB at most")
    texts, files = _parts(body, boundary)
    names = [name for part in (texts, files) for name, _ in part.items(multi=True)]
    if None in names or len(set(names)) != len(names):
        raise InvalidRequestError("each part must have a name of its own")
    image = files.pop("verifyImage", None)
    if image is None:
        raise InvalidRequestError("there is no file verifyImage", target="verifyImage")
    fields = {name: _typed(name, text) for name, text in texts.items()}
    return Fields({**fields, **files.to_dict()}), _checked(image.stream.read())


def _parts(body: bytes, boundary: str) -> tuple[MultiDict[str, str], MultiDict[str, FileStorage]]:
    parser = MultiPartParser(
        stream_factory=_in_memory, max_form_parts=_MOST_PARTS, max_form_memory_size=_MOST_HELD_BYTES
    )
    try:
        return parser.parse(BytesIO(body), boundary.encode(), len(body))
    except RequestEntityTooLarge as error:
        raise RequestTooLargeError("the multipart body has too many or too long parts") from error
    except ValueError as error:
        raise InvalidRequestError("the body is not whole multipart/form-data") from error


def _in_memory(*_: object, **__: object) -> IO[bytes]:
    # The parser's own choice spools large files to disk, where an image must never be.
    return BytesIO()


def _typed(name: str, text: str) -> object:
    match name:
        case "deviceCorrelationIdSetInClient":
            return {"true": True, "false": False}.get(text, text)
        case "authTokenTimeToLiveInSeconds" if (
            text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
        ):
            return int(text)
        case _:
            return text


def _checked(image: bytes) -> bytes:
    reference_image.check(image)
    return image
