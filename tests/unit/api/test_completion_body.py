import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.api import completion_body
from shared.errors import (
    CallerError,
    InvalidRequestError,
    UnsupportedMediaTypeError,
)
from shared.session.session import Report
from tests.support.builders import DIGEST
from tests.support.mutations import mutated

JSON = "application/json"
FULL = {
    "digest": DIGEST.upper(),
    "resultId": "b12e033e",
    "livenessError": "None",
    "recognitionError": "NONE",
    "error": {"livenessError": "none", "recognitionError": "None"},
}
ERRORS = {"livenessError": "TimedOut", "recognitionError": "FaceNotFrontal"}
FAILED = Report(liveness_error="TimedOut", recognition_error="FaceNotFrontal")


@pytest.mark.parametrize("content_type", ["", "text/plain", JSON], ids=["no-type", "text", "json"])
def test_an_empty_body_says_only_that_the_check_is_over(content_type: str) -> None:
    assert completion_body.parse(content_type, b"") == Report()


@pytest.mark.parametrize(
    ("said", "report"),
    [
        pytest.param({}, Report(), id="nothing"),
        pytest.param(
            FULL,
            Report(
                digest=DIGEST,
                result_id="b12e033e",
                liveness_error="none",
                recognition_error="None",
            ),
            id="everything",
        ),
        pytest.param({"error": ERRORS}, FAILED, id="an-error"),
        pytest.param(ERRORS, FAILED, id="an-error-as-the-sdk-hands-it-over"),
        pytest.param({**ERRORS, "error": {}}, FAILED, id="an-error-beside-an-empty-one"),
        pytest.param({"digest": DIGEST, "error": ERRORS}, FAILED, id="a-digest-with-an-error"),
        pytest.param({"digest": DIGEST, **ERRORS}, FAILED, id="a-digest-with-an-error-beside"),
        pytest.param(
            {"digest": DIGEST, "error": {"livenessError": "NONE", "recognitionError": "None"}},
            Report(digest=DIGEST, liveness_error="NONE", recognition_error="None"),
            id="a-digest-with-no-error",
        ),
        pytest.param(
            {"error": ERRORS, "livenessError": "Another", "recognitionError": "None"},
            FAILED,
            id="an-error-outweighs-another-beside-it",
        ),
        pytest.param(
            {"livenessError": "None", "recognitionError": "none"},
            Report(liveness_error="None", recognition_error="none"),
            id="no-error-as-the-sdk-hands-it-over",
        ),
        pytest.param(
            {
                "digest": "",
                "resultId": "",
                "livenessError": "",
                "recognitionError": "",
                "error": "",
            },
            Report(),
            id="empty-texts",
        ),
        pytest.param(
            {"digest": DIGEST, "error": {"livenessError": "", "recognitionError": ""}},
            Report(digest=DIGEST),
            id="an-error-of-empty-texts",
        ),
        pytest.param(
            {"digest": DIGEST, **ERRORS, "error": dict.fromkeys(ERRORS, "None")},
            FAILED,
            id="an-error-beside-none",
        ),
        pytest.param(
            {"digest": DIGEST, **dict.fromkeys(ERRORS, "N.O.N.E."), "error": ERRORS},
            FAILED,
            id="an-error-and-none-beside-it",
        ),
        *[
            pytest.param(
                {"digest": DIGEST, "error": word}, Report(digest=DIGEST), id=f"error-{word}"
            )
            for word in ("None", "none", "N_O_N_E", " ", "NONE")
        ],
        pytest.param({"digest": None, "error": None}, Report(), id="nulls"),
        pytest.param({"error": {}}, Report(), id="an-empty-error"),
        pytest.param(
            {"error": {"livenessError": "TIMED_OUT"}},
            Report(liveness_error="TIMED_OUT"),
            id="a-code-as-android-writes-it",
        ),
        pytest.param({"resultId": "x" * 128}, Report(result_id="x" * 128), id="128-characters"),
    ],
)
def test_what_the_sdks_hand_over_is_understood(said: object, report: Report) -> None:
    assert completion_body.parse(JSON, json.dumps(said).encode()) == report


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"livenessDecision": "realface"}, id="a-decision"),
        pytest.param({"sessionId": "another"}, id="a-session-id"),
        pytest.param({"a b\n<script>": {"digest": 1}, "\ud800": None}, id="odd-names"),
    ],
)
def test_unknown_fields_are_not_looked_at(more: dict[str, object]) -> None:
    said = {**more, "digest": DIGEST, "error": {**more, "livenessError": "None"}}

    assert completion_body.parse(JSON, json.dumps(said).encode()) == Report(
        digest=DIGEST, liveness_error="None"
    )


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON "])
def test_a_content_type_may_be_written_in_any_case_with_parameters(content_type: str) -> None:
    assert completion_body.parse(content_type, b"{}") == Report()


@pytest.mark.parametrize(
    ("said", "target"),
    [
        pytest.param({"digest": " "}, "digest", id="blank-digest"),
        pytest.param({"digest": "e" * 63}, "digest", id="short-digest"),
        pytest.param({"resultId": "x" * 129}, "resultId", id="long-result-id"),
        pytest.param({"error": "TimedOut"}, "error", id="error-not-an-object"),
        pytest.param({"error": {"livenessError": 1}}, "livenessError", id="error-a-number"),
        pytest.param({"recognitionError": {}}, "recognitionError", id="error-an-object"),
        pytest.param({**ERRORS, "digest": "e"}, "digest", id="short-digest-with-an-error"),
    ],
)
def test_a_known_field_that_is_wrong_is_refused_by_name(said: object, target: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        completion_body.parse(JSON, json.dumps(said).encode())

    assert caught.value.target == target


@pytest.mark.parametrize("content_type", ["", "text/plain", "multipart/form-data; boundary=x"])
def test_a_body_of_another_type_is_refused(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaTypeError):
        completion_body.parse(content_type, b"{}")


@given(
    content_type=st.sampled_from([JSON, "application/json;"]) | st.text(max_size=20),
    body=st.binary(max_size=100) | mutated(FULL).map(lambda value: json.dumps(value).encode()),
)
@settings(max_examples=300, deadline=None)
def test_whatever_comes_is_a_report_or_the_callers_mistake(content_type: str, body: bytes) -> None:
    try:
        report = completion_body.parse(content_type, body)
    except CallerError:
        return

    assert report.digest is None or len(bytes.fromhex(report.digest)) == 32
