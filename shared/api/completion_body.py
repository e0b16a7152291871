"""What a frontend may say about its check when it says that it is over."""

from shared.api import fields, json_body
from shared.api.contract import CompletionBody, SdkError
from shared.errors import UnsupportedMediaTypeError
from shared.session.session import Report


def parse(content_type: str, body: bytes) -> Report:
    """Read the body of a completion; an empty one says only that the check is over."""
    if not body:
        return Report()
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaTypeError("the body must be application/json")
    return _report(fields.take(json_body.read(body), CompletionBody))


def _report(said: CompletionBody) -> Report:
    error = said.error or SdkError()
    return Report(
        digest=said.digest.lower() if said.digest else None,
        result_id=said.result_id,
        liveness_error=error.liveness_error,
        recognition_error=error.recognition_error,
    )
