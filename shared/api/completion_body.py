"""What a frontend may say about its check when it says that it is over."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shared.api import fields, json_body
from shared.api.contract import CompletionBody, SdkError
from shared.session.session import Report


def parse(content_type: str, body: bytes) -> Report:
    """Read the body of a completion; an empty one says only that the check is over."""
    if not body:
        return Report()
    said = _without_empty(json_body.read_as_json(content_type, body))
    error = said.get("error")
    if isinstance(error, dict):
        said["error"] = _without_empty(error)
    elif isinstance(error, str) and not _is_error(error):
        del said["error"]
    return _report(fields.take(said, CompletionBody))


def _without_empty(said: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out empty texts: an SDK's word for what it does not have."""
    return {name: value for name, value in said.items() if value != ""}


def _report(said: CompletionBody) -> Report:
    error = said.error or SdkError()
    report = Report(
        digest=said.digest.lower() if said.digest else None,
        result_id=said.result_id,
        liveness_error=_choose(error.liveness_error, said.liveness_error),
        recognition_error=_choose(error.recognition_error, said.recognition_error),
    )
    # A try that failed has no digest: one that comes with an error is of no try that counts.
    return replace(report, digest=None) if report.has_error else report


def _choose(nested: str | None, beside: str | None) -> str | None:
    """Take the name that stands for an error, wherever it is."""
    return beside if _is_error(beside) and not _is_error(nested) else nested or beside


def _is_error(name: str | None) -> bool:
    return Report(liveness_error=name).has_error
