from types import SimpleNamespace

import pytest
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ODataV4Format,
    ResourceNotFoundError,
    ServiceRequestError,
)
from azure.data.tables import TableErrorCode

from shared.azure_errors import describe


def an_error(error: HttpResponseError, /, **facts: object) -> HttpResponseError:
    for name, fact in facts.items():
        setattr(error, name, fact)
    return error


def told(**body: object) -> ODataV4Format:
    return ODataV4Format({"error": {"message": "planted words", **body}})


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeoutError(), "TimeoutError"),
        (ServiceRequestError("planted words"), "ServiceRequestError"),
        (AzureError("planted words"), "AzureError"),
        (an_error(HttpResponseError("planted words"), status_code=503), "HttpResponseError 503"),
        (
            an_error(
                ResourceNotFoundError("planted words"),
                status_code=404,
                error_code=TableErrorCode.TABLE_NOT_FOUND,
            ),
            "ResourceNotFoundError 404 TableNotFound",
        ),
        (
            an_error(
                HttpResponseError("planted words"),
                status_code=403,
                error=told(code="Forbidden", innererror={"code": "SecretDisabled"}),
            ),
            "HttpResponseError 403 Forbidden SecretDisabled",
        ),
        (
            an_error(
                HttpResponseError("planted words"), error=told(code="Forbidden", innererror="odd")
            ),
            "HttpResponseError Forbidden",
        ),
        (
            an_error(HttpResponseError("planted words"), error=SimpleNamespace(code="not a\ncode")),
            "HttpResponseError",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_error_is_told_by_its_class_its_status_and_its_codes_and_no_words_of_its_own(
    error: Exception, words: str
) -> None:
    assert describe(error) == words
