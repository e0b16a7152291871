"""What the control routes are told, checked, or what is wrong with it. No I/O here."""

import json
import re
from collections.abc import Callable, Collection

from local.face.device_attempts import DECISIONS, ScriptedAttempt
from local.face.sessions import Picture
from local.faults.fault import OPERATIONS, Fault, WireFault

QUALITIES = ("low", "medium", "high")

_OUTCOMES = (*DECISIONS, "running", "canceled")
_MAX_SKIP_SECONDS = 10 * 366 * 86_400
_MAX_DELAY_MS = 600_000
_STATUSES = range(300, 600)
_LOST = WireFault.LOST
_FAULT_FIELDS = {
    "operation", "times", "status", "code", "body", "retryAfterSeconds", "delayMs", "kind",
    "answer",
}  # fmt: skip


class BadControlError(Exception):
    """The body of a control call is wrong; the message says how."""


def read(body: bytes, known: Collection[str]) -> dict[str, object]:
    """Read a JSON object that has no fields but the known ones."""
    try:
        fields = json.loads(body)
    except ValueError as error:
        raise BadControlError("the body must be JSON") from error
    if not isinstance(fields, dict):
        raise BadControlError("the body must be a JSON object")
    for name in fields:
        if name not in known:
            raise BadControlError(f"{name} is not one of {', '.join(sorted(known))}")
    return fields


def scripted_attempt(body: bytes) -> ScriptedAttempt:
    """Read what the device shall play; an override of null leaves that field out."""
    fields = read(body, {"outcome", "goesOn", *_OVERRIDES})
    outcome, goes_on = fields.pop("outcome", None), fields.pop("goesOn", False)
    if outcome not in _OUTCOMES and not re.fullmatch(r"error:\w+", str(outcome), re.ASCII):
        raise BadControlError(f"outcome must be one of {', '.join(_OUTCOMES)} or error:<Code>")
    for name, value in fields.items():
        if value is not None:
            _OVERRIDES[name](name, value)
    return ScriptedAttempt(
        outcome=str(outcome), goes_on=_boolean("goesOn", goes_on), overrides=fields
    )


def fault(body: bytes) -> Fault:
    """Read a fault: an operation, a number of times, and at least one thing that goes wrong."""
    fields = {name: value for name, value in read(body, _FAULT_FIELDS).items() if value is not None}
    goes_wrong = [name for name in ("status", "delayMs", "kind", "answer") if name in fields]
    if not goes_wrong:
        raise BadControlError("say what goes wrong: status, delayMs, kind or answer")
    if "answer" in fields and goes_wrong not in (["answer"], ["delayMs", "answer"]):
        raise BadControlError("a call whose answer is lost has neither status nor kind")
    if "body" in fields and "status" not in fields:
        raise BadControlError("a body needs a status")
    return Fault(
        operation=_one_of("operation", fields.get("operation"), OPERATIONS),
        times=_integer("times", fields.get("times"), range(1, 1_000_001)),
        status=_optional(fields, "status", lambda value: _integer("status", value, _STATUSES)),
        code=_optional(fields, "code", lambda value: _text("code", value)),
        body=_optional(fields, "body", lambda value: _text("body", value)),
        retry_after_seconds=_optional(
            fields,
            "retryAfterSeconds",
            lambda value: _integer("retryAfterSeconds", value, range(86_401)),
        ),
        delay_ms=_number("delayMs", fields.get("delayMs", 0), minimum=0, maximum=_MAX_DELAY_MS),
        kind=_optional(fields, "kind", _wire_fault) or _optional(fields, "answer", _lost_answer),
    )


def quality(body: bytes) -> str:
    """Read the quality of the reference images to come."""
    fields = read(body, {"qualityForRecognition"})
    return _one_of("qualityForRecognition", fields.get("qualityForRecognition"), QUALITIES)


def key(body: bytes) -> str:
    """Read the new Face key."""
    return _text("key", read(body, {"key"}).get("key"))


def roles(body: bytes) -> tuple[str, ...]:
    """Read which roles the tokens to come have."""
    given = read(body, {"roles"}).get("roles")
    if not isinstance(given, list):
        raise BadControlError("roles must be a list of texts")
    return tuple(_text("each of roles", role) for role in given)


def seconds(body: bytes) -> float:
    """Read by how much the clock moves on."""
    given = read(body, {"advanceSeconds"}).get("advanceSeconds")
    return _number("advanceSeconds", given, minimum=0, maximum=_MAX_SKIP_SECONDS)


def _optional[T](fields: dict[str, object], name: str, checked: Callable[[object], T]) -> T | None:
    return checked(fields[name]) if name in fields else None


def _wire_fault(value: object) -> WireFault:
    return WireFault(_one_of("kind", value, [each for each in WireFault if each != _LOST]))


def _lost_answer(value: object) -> WireFault:
    return WireFault(_one_of("answer", value, [_LOST]))


def _one_of(name: str, value: object, options: Collection[str]) -> str:
    if not isinstance(value, str) or value not in options:
        raise BadControlError(f"{name} must be one of {', '.join(options)}")
    return value


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise BadControlError(f"{name} must be a text that is not empty")
    return value


def _boolean(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise BadControlError(f"{name} must be true or false")
    return value


def _integer(name: str, value: object, within: range) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in within:
        raise BadControlError(f"{name} must be a whole number, {within[0]} to {within[-1]}")
    return value


def _number(name: str, value: object, *, minimum: float, maximum: float) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not minimum <= value <= maximum
    ):
        raise BadControlError(f"{name} must be a number, {minimum} to {maximum}")
    return value


def _probability(name: str, value: object) -> float:
    return _number(name, value, minimum=0, maximum=1)


def _picture(name: str, value: object) -> str:
    return _one_of(name, value, list(Picture))


_OVERRIDES: dict[str, Callable[[str, object], object]] = {
    "isIdentical": _boolean,
    "matchConfidence": _probability,
    "verifyImageHash": _text,
    "modelVersion": _text,
    "sessionImage": _picture,
}
