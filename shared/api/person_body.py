"""The body of an operator's request about one person."""

from shared.api import fields, json_body
from shared.api.contract import EraseBody, ListBody, PersonBody
from shared.errors import InvalidRequestError
from shared.session.person import Person, PersonKind


def parse(content_type: str, body: bytes) -> Person:
    """Read the one id that names a person."""
    return _person(_read(content_type, body, PersonBody))


def parse_list(content_type: str, body: bytes) -> tuple[Person, str | None]:
    """Read whose sessions are wanted, and from where on."""
    said = _read(content_type, body, ListBody)
    return _person(said), said.continuation


def parse_erase(content_type: str, body: bytes) -> Person | str:
    """Read whom to erase, or the receipt that is asked for."""
    said = _read(content_type, body, EraseBody)
    if said.receipt_id is None:
        return _person(said)
    if said.user_correlation_id is not None or said.device_correlation_id is not None:
        raise InvalidRequestError("a receiptId stands alone", target="receiptId")
    return said.receipt_id


def _read[T: PersonBody](content_type: str, body: bytes, wanted: type[T]) -> T:
    return fields.take(json_body.read_as_json(content_type, body), wanted)


def _person(said: PersonBody) -> Person:
    ids = {
        PersonKind.USER: said.user_correlation_id,
        PersonKind.DEVICE: said.device_correlation_id,
    }
    named = [Person(kind=kind, id=one) for kind, one in ids.items() if one is not None]
    if len(named) != 1:
        raise InvalidRequestError(
            "there must be one of userCorrelationId and deviceCorrelationId",
            target="deviceCorrelationId" if named else "userCorrelationId",
        )
    return named[0]
