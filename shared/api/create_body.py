"""JSON or multipart to a StartRequest, or what is wrong with it."""

from collections.abc import Callable, Mapping
from typing import NoReturn

from multipart import parse_options_header

from shared.api import fields, json_body
from shared.api.contract import MIN_TOKEN_SECONDS, CreateBody
from shared.errors import InvalidRequestError, UnsupportedMediaTypeError
from shared.image_choices import ClientReferenceImage, SessionImage
from shared.late_loading import load_later
from shared.session.start_request import Mode, StartRequest

with load_later():
    from shared.api import form_body, image_bytes

DEFAULT_TOKEN_SECONDS = 600

_MAX_DIGITS = 9


def parse(
    content_type: str,
    body: bytes,
    *,
    max_token_seconds: int,
    session_image: SessionImage = SessionImage.OFF,
    client_reference_image: ClientReferenceImage = ClientReferenceImage.REFUSE,
) -> StartRequest:
    """Read either form of the request."""
    media_type, options = parse_options_header(content_type)
    if media_type == "application/json":
        said, image = fields.take(json_body.read(body), CreateBody), None
    elif media_type == "multipart/form-data":
        said, image = _take_form(form_body.read(body, options.get("boundary", "")))
    else:
        raise UnsupportedMediaTypeError("the body must be application/json or multipart/form-data")
    _check_device(said)
    _check_reference(said, image, client_reference_image)
    return StartRequest(
        mode=Mode(said.liveness_operation_mode or Mode.PASSIVE_ACTIVE),
        token_seconds=_token_seconds(said.auth_token_time_to_live_in_seconds, max_token_seconds),
        device_correlation_id=said.device_correlation_id,
        user_correlation_id=said.user_correlation_id,
        reference=said.reference,
        keeps_image=_keeps_image(said, session_image),
        verify_image=image,
        reference_session_id=said.reference_session_id,
        client_image_sha256=said.verify_image_sha256 and said.verify_image_sha256.lower(),
    )


def _take_form(parts: dict[str, "form_body.Part"]) -> tuple[CreateBody, bytes | None]:
    image = parts.pop("verifyImage", None)
    said = fields.take({name: _value(name, part) for name, part in parts.items()}, CreateBody)
    if image is None and (said.reference_session_id or said.verify_image_set_in_client):
        return said, None
    if image is None:
        raise InvalidRequestError("there is no file verifyImage", target="verifyImage")
    if not image.is_file:
        raise InvalidRequestError("verifyImage needs a file name", target="verifyImage")
    image_bytes.check(image.content)
    return said, image.content


def _check_device(said: CreateBody) -> None:
    set_in_client = said.device_correlation_id_set_in_client is True
    if set_in_client == (said.device_correlation_id is not None):
        raise InvalidRequestError(
            "deviceCorrelationId is required, unless deviceCorrelationIdSetInClient is true",
            target="deviceCorrelationId",
        )


def _check_reference(said: CreateBody, image: bytes | None, choice: ClientReferenceImage) -> None:
    comes_from_client = said.verify_image_set_in_client is True
    if comes_from_client and choice is ClientReferenceImage.REFUSE:
        _refuse("verifyImageSetInClient", "no device may bring its reference image here")
    if comes_from_client is not (said.verify_image_sha256 is not None):
        _refuse("verifyImageSha256", "verifyImageSha256 belongs with verifyImageSetInClient: true")
    if image is not None and (comes_from_client or said.reference_session_id):
        _refuse("verifyImage", "there is another reference image than verifyImage")
    if comes_from_client and said.reference_session_id:
        _refuse("referenceSessionId", "there is another reference image than the session's")


def _refuse(target: str, message: str) -> NoReturn:
    raise InvalidRequestError(message, target=target)


def _keeps_image(said: CreateBody, choice: SessionImage) -> bool:
    if choice is SessionImage.OFF and said.enable_session_image:
        raise InvalidRequestError("no images are kept here", target="enableSessionImage")
    return choice is SessionImage.ALWAYS or said.enable_session_image is True


def _token_seconds(wanted: int | None, maximum: int) -> int:
    if wanted is None:
        return min(DEFAULT_TOKEN_SECONDS, maximum)
    if wanted > maximum:
        name = "authTokenTimeToLiveInSeconds"
        message = f"{name} must be a whole number from {MIN_TOKEN_SECONDS} to {maximum}"
        raise InvalidRequestError(message, target=name)
    return wanted


def _value(name: str, part: "form_body.Part") -> object:
    return part.content if part.is_file else _FORM_TYPES.get(name, str)(part.text)


def _boolean(text: str) -> object:
    return {"true": True, "false": False}.get(text, text)


def _integer(text: str) -> object:
    is_one = text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
    return int(text) if is_one else text


# A form has only texts; what is here is not meant as one.
_FORM_TYPES: Mapping[str, Callable[[str], object]] = {
    "deviceCorrelationIdSetInClient": _boolean,
    "enableSessionImage": _boolean,
    "verifyImageSetInClient": _boolean,
    "authTokenTimeToLiveInSeconds": _integer,
}
