"""JSON or multipart to a StartRequest, or what is wrong with it."""

from io import BytesIO
from typing import IO

from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import MultiPartParser
from werkzeug.http import parse_options_header

from shared.api import image_bytes, json_body
from shared.api.json_body import Fields
from shared.errors import InvalidRequestError, RequestTooLargeError, UnsupportedMediaTypeError
from shared.session.start_request import Mode, StartRequest

MAX_BYTES = 8 * 1024 * 1024
MAX_ID_LENGTH = 64
MIN_TOKEN_SECONDS = 60
DEFAULT_TOKEN_SECONDS = 600

_MAX_PARTS = 8
_MAX_DIGITS = 9
# The parser holds one 64 KiB piece of a file at a time, and this bound counts that too.
_MAX_HELD_BYTES = 128 * 1024


def parse(content_type: str, body: bytes, *, max_token_seconds: int) -> StartRequest:
    """Read either form of the request."""
    media_type, options = parse_options_header(content_type)
    media_type = media_type.lower()
    if media_type == "application/json":
        return _start_request(json_body.read(body), None, max_token_seconds)
    if media_type == "multipart/form-data":
        fields, image = _read_multipart(body, options.get("boundary", ""))
        return _start_request(fields, image, max_token_seconds)
    raise UnsupportedMediaTypeError("the body must be application/json or multipart/form-data")


def _start_request(fields: Fields, image: bytes | None, max_token_seconds: int) -> StartRequest:
    mode = fields.choice("livenessOperationMode", *Mode)
    seconds = fields.whole("authTokenTimeToLiveInSeconds", MIN_TOKEN_SECONDS, max_token_seconds)
    user = fields.text("userCorrelationId", MAX_ID_LENGTH)
    device = fields.text("deviceCorrelationId", MAX_ID_LENGTH)
    _check_device(device, set_in_client=bool(fields.flag("deviceCorrelationIdSetInClient")))
    fields.end()
    return StartRequest(
        mode=Mode(mode or Mode.PASSIVE_ACTIVE),
        token_seconds=seconds or min(DEFAULT_TOKEN_SECONDS, max_token_seconds),
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
    if len(body) > MAX_BYTES:
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
        stream_factory=_in_memory, max_form_parts=_MAX_PARTS, max_form_memory_size=_MAX_HELD_BYTES
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
            text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
        ):
            return int(text)
        case _:
            return text


def _checked(image: bytes) -> bytes:
    image_bytes.check(image)
    return image
