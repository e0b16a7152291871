"""JSON or multipart to a StartRequest, or what is wrong with it."""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import IO

from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import MultiPartParser
from werkzeug.http import parse_options_header

from shared.api import fields, image_bytes, json_body
from shared.api.contract import MIN_TOKEN_SECONDS, CreateBody
from shared.errors import InvalidRequestError, RequestTooLargeError, UnsupportedMediaTypeError
from shared.session.start_request import StartRequest

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
        values, image = _read_multipart(body, options.get("boundary", ""))
        return _start_request(values, image, max_token_seconds)
    raise UnsupportedMediaTypeError("the body must be application/json or multipart/form-data")


def _start_request(
    values: Mapping[str, object], image: bytes | None, max_token_seconds: int
) -> StartRequest:
    said = fields.take(values, CreateBody)
    _check_device(said)
    return StartRequest(
        mode=said.liveness_operation_mode or "PassiveActive",
        token_seconds=_token_seconds(said.auth_token_time_to_live_in_seconds, max_token_seconds),
        device_correlation_id=said.device_correlation_id,
        user_correlation_id=said.user_correlation_id,
        verify_image=image,
    )


def _check_device(said: CreateBody) -> None:
    set_in_client = said.device_correlation_id_set_in_client is True
    if set_in_client == (said.device_correlation_id is not None):
        raise InvalidRequestError(
            "deviceCorrelationId is required, unless deviceCorrelationIdSetInClient is true",
            target="deviceCorrelationId",
        )


def _token_seconds(wanted: int | None, maximum: int) -> int:
    if wanted is None:
        return min(DEFAULT_TOKEN_SECONDS, maximum)
    if wanted > maximum:
        name = "authTokenTimeToLiveInSeconds"
        message = f"{name} must be a whole number from {MIN_TOKEN_SECONDS} to {maximum}"
        raise InvalidRequestError(message, target=name)
    return wanted


def _read_multipart(body: bytes, boundary: str) -> tuple[Mapping[str, object], bytes]:
    texts, files = _parts(body, boundary)
    names = [name for part in (texts, files) for name, _ in part.items(multi=True)]
    if None in names or len(set(names)) != len(names):
        raise InvalidRequestError("each part must have a name of its own")
    image = files.pop("verifyImage", None)
    if image is None:
        raise InvalidRequestError("there is no file verifyImage", target="verifyImage")
    typed = {name: _FORM_TYPES.get(name, str)(text) for name, text in texts.items()}
    return {**typed, **files.to_dict()}, _checked(image.stream.read())


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


def _checked(image: bytes) -> bytes:
    image_bytes.check(image)
    return image


def _boolean(text: str) -> object:
    return {"true": True, "false": False}.get(text, text)


def _integer(text: str) -> object:
    is_one = text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
    return int(text) if is_one else text


# A form has only texts; what is here is not meant as one.
_FORM_TYPES: Mapping[str, Callable[[str], object]] = {
    "deviceCorrelationIdSetInClient": _boolean,
    "authTokenTimeToLiveInSeconds": _integer,
}
