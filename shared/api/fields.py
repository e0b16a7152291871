"""A request's values as the contract has them; the first that is wrong is refused by its name."""

import re
from collections.abc import Container, Mapping
from typing import get_args

import msgspec
from msgspec import inspect, structs

from shared.api.contract import RequestBody
from shared.errors import InvalidRequestError
from shared.session.caller_ids import normalize_id

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_]{1,64}", re.ASCII)
_MAX_NAME_LENGTH = 64


def take[T: RequestBody](values: Mapping[str, object], wanted: type[T]) -> T:
    """Take every field; what is unknown is refused before what is wrong or missing."""
    fields = structs.fields(wanted)
    if wanted.__struct_config__.forbid_unknown_fields:
        _reject_unknown(values, {field.encode_name for field in fields})
    return wanted(
        **{
            field.name: _take_field(field.encode_name, field.type, values.get(field.encode_name))
            for field in fields
        }
    )


def as_target(name: str) -> str | None:
    """Return a field's name, whatever its caller has called it, if it can be told again."""
    return name if 0 < len(name) <= _MAX_NAME_LENGTH and _is_printable(name) else None


def _reject_unknown(values: Mapping[str, object], known: Container[str]) -> None:
    for name in values:
        if name not in known:
            # The message is logged, too; the target only goes back to whoever sent the name.
            said = name if _PLAIN_NAME.fullmatch(name) else "a field"
            message = f"{said} is not one that this route knows"
            raise InvalidRequestError(message, target=as_target(name))


def _take_field(name: str, wanted: object, value: object) -> object:
    nested = next((part for part in get_args(wanted) if _is_body(part)), None)
    if nested and isinstance(value, dict):
        return take(value, nested)
    try:
        taken = msgspec.convert(value, wanted, strict=True)
    # A Unicode error, too, is a ValueError: a lone surrogate is nothing that can be compared.
    except ValueError as error:
        wish = _describe(inspect.type_info(wanted))
        raise InvalidRequestError(f"{name} must be {wish}", target=name) from error
    if isinstance(taken, str) and not _is_printable(taken):
        raise InvalidRequestError(f"{name} must be printable characters", target=name)
    max_units = _max_units(inspect.type_info(wanted))
    return _take_id(name, taken, max_units) if max_units and isinstance(taken, str) else taken


def _take_id(name: str, text: str, max_units: int) -> str:
    try:
        return normalize_id(text, max_units=max_units)
    except ValueError as error:
        wish = f"a text of 1 to {max_units} characters"
        if str(error) == "blank":
            wish = "without blanks at its ends"
        raise InvalidRequestError(f"{name} must be {wish}", target=name) from error


def _max_units(wanted: inspect.Type) -> int | None:
    match wanted:
        case inspect.UnionType(types=(inner, *_)):
            return _max_units(inner)
        case inspect.Metadata(extra={"max_units": int(max_units)}):
            return max_units
    return None


def _is_body(part: object) -> bool:
    return isinstance(part, type) and issubclass(part, RequestBody)


def _is_printable(text: str) -> bool:
    return text.isprintable() and "\N{REPLACEMENT CHARACTER}" not in text


def _describe(wanted: inspect.Type) -> str:  # noqa: PLR0911 - one line a type
    if isinstance(wanted, inspect.UnionType):
        wanted, *_ = wanted.types
    match wanted:
        case inspect.Metadata(extra_json_schema={"title": str(title)}):
            return title
        case inspect.Metadata(extra={"max_units": int(maximum)}):
            return f"a text of 1 to {maximum} characters"
        case inspect.StrType(min_length=minimum, max_length=maximum):
            return f"a text of {minimum} to {maximum} characters"
        case inspect.IntType(ge=minimum):
            return f"a whole number, {minimum} or more"
        case inspect.LiteralType(values=values):
            return " or ".join(map(str, values))
        case inspect.BoolType():
            return "true or false"
        case _:
            return "an object"
