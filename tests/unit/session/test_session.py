from dataclasses import astuple, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.session.session import Report, Status
from tests.support.builders import DIGEST, GRACE, NOW, OTHER_DIGEST, TOKEN_LIFE, a_session


@pytest.mark.parametrize("status", Status)
def test_a_session_has_ended_when_its_status_is_final(status: Status) -> None:
    final = status in {Status.COMPLETED, Status.ABANDONED, Status.CANCELED}

    assert replace(a_session(), status=status).is_final is final


@pytest.mark.parametrize(
    ("report", "failed"),
    [
        pytest.param(Report(digest="0" * 64, result_id="1"), False, id="no-error"),
        pytest.param(Report(liveness_error="TimedOut"), True, id="liveness-error"),
        pytest.param(Report(recognition_error="FaceNotFound"), True, id="recognition-error"),
        *(
            pytest.param(Report(liveness_error=name, recognition_error=name), False, id=repr(name))
            for name in ("", "None", "none", "NONE", "nOnE", "no_ne", "_NONE_", " none ", "-")
        ),
        *(
            pytest.param(Report(recognition_error=name), True, id=repr(name))
            for name in (
                "NoError",
                "None2",
                "NoneFound",
                "N",
                "\N{FULLWIDTH LATIN SMALL LETTER N}one",
            )
        ),
        pytest.param(
            Report(liveness_error="None", recognition_error="FaceNotFound"),
            True,
            id="recognition-error-only",
        ),
    ],
)
def test_a_report_tells_whether_the_try_failed(report: Report, *, failed: bool) -> None:
    assert report.has_error is failed


def test_a_session_is_stale_once_its_grace_has_passed() -> None:
    stale_at = NOW + TOKEN_LIFE + GRACE

    assert a_session().is_stale(stale_at, GRACE)
    assert not a_session().is_stale(stale_at - timedelta(microseconds=1), GRACE)


def test_face_has_forgotten_a_session_after_two_days() -> None:
    session = a_session(created_at=NOW, expires_at=NOW + timedelta(hours=20))
    forgotten_at = NOW + timedelta(hours=48)

    assert session.is_forgotten_by_face(forgotten_at)
    assert not session.is_forgotten_by_face(forgotten_at - timedelta(seconds=1))


# A frontend says a text of some length, or nothing.
REPORTS = st.from_type(Report).filter(lambda report: "" not in astuple(report))


@given(report=REPORTS)
def test_all_that_a_report_says_is_kept_and_an_empty_one_takes_nothing_back(
    report: Report,
) -> None:
    first = replace(report, digests_differ=False)

    assert Report().merge(first) == first
    assert report.merge(Report()) == report


@pytest.mark.parametrize(
    ("earlier", "report", "kept"),
    [
        pytest.param(
            Report(digest=DIGEST),
            Report(digest=DIGEST),
            Report(digest=DIGEST),
            id="the-same-digest-twice",
        ),
        pytest.param(
            Report(digest=DIGEST),
            Report(digest=OTHER_DIGEST),
            Report(digest=DIGEST, digests_differ=True),
            id="another-digest-is-noticed-and-the-first-stays",
        ),
        pytest.param(
            Report(digest=DIGEST, digests_differ=True),
            Report(digest=DIGEST),
            Report(digest=DIGEST, digests_differ=True),
            id="that-digests-differed-stays",
        ),
        pytest.param(
            Report(result_id="1", liveness_error="TimedOut", recognition_error="None"),
            Report(result_id="2", liveness_error="NoFaceDetected"),
            Report(result_id="2", liveness_error="NoFaceDetected", recognition_error="None"),
            id="the-latest-words-count",
        ),
    ],
)
def test_of_two_reports_the_first_digest_and_the_latest_words_are_kept(
    earlier: Report, report: Report, kept: Report
) -> None:
    assert earlier.merge(report) == kept
