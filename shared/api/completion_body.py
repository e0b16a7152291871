"""What a frontend may say about its check when it says that it is over."""

import re

from shared.api import json_body
from shared.api.json_body import Fields
from shared.errors import InvalidRequestError, UnsupportedMediaTypeError
from shared.session.session import Report

MAX_TEXT_LENGTH = 128
_DIGEST = re.compile(r"[0-9A-Fa-f]{64}", re.ASCII)


def parse(content_type: str, body: bytes) -> Report:
    """Read the body of a completion; an empty one says only that the check is over."""
    if not body:
        return Report()
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaTypeError("the body must be application/json")
    fields = json_body.read(body)
    error = fields.fields("error")
    report = Report(
        digest=_digest(fields),
        result_id=fields.text("resultId", MAX_TEXT_LENGTH),
        liveness_error=error.text("livenessError", MAX_TEXT_LENGTH),
        recognition_error=error.text("recognitionError", MAX_TEXT_LENGTH),
    )
    error.end()
    fields.end()
    return report


def _digest(fields: Fields) -> str | None:
    digest = fields.text("digest", 64)
    if digest is not None and not _DIGEST.fullmatch(digest):
        raise InvalidRequestError("digest must be 64 hex digits", target="digest")
    return digest.lower() if digest else None
