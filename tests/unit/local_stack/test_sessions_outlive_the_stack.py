from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.azure.access_tokens import TokenIssuer
from local.face.account import FaceAccount
from local.face.create_request import FaceRefusal
from local.face.device_attempts import ScriptedAttempt, after_attempt
from local.face.device_tokens import DeviceTokens
from local.face.session_files import SessionFiles
from local.face.sessions import TRIES, CreateRequest, Kind, Session, Status, open_session
from local.ports import StackError

NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)

create_requests = st.builds(
    CreateRequest,
    kind=st.sampled_from(Kind),
    has_session_image=st.booleans(),
    returns_image_hash=st.booleans(),
    confidence_threshold=st.none() | st.floats(0, 1),
    image_hash=st.none() | st.just("AB" * 32),
)
outcome_lists = st.lists(
    st.sampled_from(["running", "error:TimedOut", "realface", "uncertain", "canceled"])
)


def played(request: CreateRequest, outcomes: list[str]) -> Session:
    session = open_session(request, now=NOW, quality="high")
    for outcome in outcomes:
        if session.takes_attempts(NOW):
            session = after_attempt(session, ScriptedAttempt(outcome=outcome))
    return session


@given(create_requests, outcome_lists)
def test_any_session_comes_back_from_its_file_as_it_was(
    request: CreateRequest, outcomes: list[str]
) -> None:
    session = played(request, outcomes)

    with TemporaryDirectory() as folder:
        SessionFiles(Path(folder)).put(session)
        kept = list(SessionFiles(Path(folder)))

    assert kept == [session]


@given(create_requests, outcome_lists)
def test_attempts_are_numbered_newest_first_and_end_with_the_session(
    request: CreateRequest, outcomes: list[str]
) -> None:
    session = played(request, outcomes)

    count = len(session.attempts)
    assert [attempt.attempt_id for attempt in session.attempts] == list(range(count, 0, -1))
    assert count <= TRIES
    assert (session.status is Status.FAILED) == all(
        [count == TRIES, *(attempt.error_code for attempt in session.attempts)]
    )
    assert (session.status is Status.SUCCEEDED) == any(each.digest for each in session.attempts)


def test_a_picture_that_is_missing_is_still_missing_after_a_restart(tmp_path: Path) -> None:
    order = CreateRequest(kind=Kind.LIVENESS, has_session_image=True)
    script = ScriptedAttempt(outcome="realface", overrides={"sessionImage": "missing"})
    session = after_attempt(open_session(order, now=NOW, quality="high"), script)
    SessionFiles(tmp_path).put(session)
    restarted = FaceAccount(SessionFiles(tmp_path), DeviceTokens(tmp_path / "secret"), lambda: NOW)

    with pytest.raises(FaceRefusal):
        restarted.find_picture(session.attempts[0].session_image_id or "")


@pytest.mark.parametrize("content", ["{", "[]", '{"order": {}}'])
def test_session_of_another_version_is_named_in_one_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "one.json").write_text(content)

    with pytest.raises(StackError, match=r"one\.json was not kept by this version"):
        SessionFiles(tmp_path)


def test_what_face_has_forgotten_meanwhile_is_cleared_away(tmp_path: Path) -> None:
    SessionFiles(tmp_path).put(played(CreateRequest(kind=Kind.LIVENESS), []))

    two_days_on = NOW + timedelta(hours=48)
    tokens = DeviceTokens(tmp_path / "secret")
    FaceAccount(SessionFiles(tmp_path), tokens, lambda: two_days_on)

    assert list(tmp_path.glob("*.json")) == []


def test_identity_token_is_read_after_a_restart_and_that_of_another_key_is_not(
    tmp_path: Path,
) -> None:
    token = TokenIssuer(tmp_path / "key").issue({"aud": "vault"})

    assert TokenIssuer(tmp_path / "key").read(token) == {"aud": "vault"}
    assert TokenIssuer(tmp_path / "another").read(token) is None


def test_identity_token_of_an_earlier_key_is_read_beside_one_of_the_newest(tmp_path: Path) -> None:
    issuer = TokenIssuer(tmp_path / "key")
    first = issuer.issue({"aud": "vault"})
    issuer.rotate()
    second = issuer.issue({"aud": "vault"})

    for reader in (issuer, TokenIssuer(tmp_path / "key")):
        assert reader.read(first) == reader.read(second) == {"aud": "vault"}
        key_ids = [key["kid"] for key in reader.public_keys]
        assert key_ids == [jwt.get_unverified_header(one)["kid"] for one in (first, second)]
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_device_token_opens_its_session_after_a_restart_and_no_other_token_does(
    tmp_path: Path,
) -> None:
    token = DeviceTokens(tmp_path / "secret").issue("1")
    head, _, signature = token.split(".")
    foreign = DeviceTokens(tmp_path / "another").issue("1")

    restarted = DeviceTokens(tmp_path / "secret")

    assert restarted.session_id(token) == "1"
    for each in (foreign, f"{head}.e30.{signature}", "eyJhbGciOiJub25lIn0.eyJzaWQiOiIxIn0.", ""):
        assert restarted.session_id(each) is None
