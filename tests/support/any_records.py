"""Whatever can be recorded, for hypothesis: every field of a dataclass, whatever its default."""

from collections.abc import Mapping
from dataclasses import is_dataclass, replace
from datetime import UTC, datetime
from types import NoneType
from typing import Any, NewType, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from shared.session.ids import FaceSessionId, SessionId, SessionImageId
from shared.session.session import Session
from shared.session.shard import KeyHash, PersonHash

# What is stored is exact to the millisecond.
TIMES = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=st.just(UTC),
).map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))
IDS = st.text("0123456789abcdef", min_size=33, max_size=33).map(SessionId)
HASHES = st.text("0123456789abcdef", min_size=64, max_size=64)
WORDS = st.text(st.characters(codec="utf-8", exclude_characters=","), min_size=1, max_size=20)


_FACE_IDS = st.text("0123456789abcdefXYZ_-", min_size=1, max_size=40)
_PLAIN: dict[object, st.SearchStrategy[Any]] = {
    str: WORDS,
    datetime: TIMES,
    int: st.integers(0, 2**31 - 1),
    float: st.floats(0, 1),
    PersonHash: HASHES.map(PersonHash),
    KeyHash: HASHES.map(KeyHash),
    FaceSessionId: _FACE_IDS,
    SessionImageId: _FACE_IDS,
}


def any_record[T](kind: type[T], **given: st.SearchStrategy[Any]) -> st.SearchStrategy[T]:
    """Draw every field by its type, so that a field that is added is drawn too."""
    types = get_type_hints(kind)
    drawn = {name: _values_of(types[name]) for name in types if name not in given}
    return st.builds(kind, **drawn, **given)


def _values_of(kind: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 - whatever a field may be
    if NoneType in get_args(kind):
        return st.one_of(*map(_values_of, get_args(kind)))
    if isinstance(kind, NewType) and kind not in _PLAIN:
        return _values_of(kind.__supertype__)
    if get_origin(kind) is tuple:
        return st.lists(_values_of(get_args(kind)[0]), max_size=3).map(tuple)
    if get_origin(kind) is Mapping:
        return st.dictionaries(*map(_values_of, get_args(kind)), max_size=4)
    if isinstance(kind, type) and is_dataclass(kind):
        return any_record(kind)
    return _PLAIN[kind] if kind in _PLAIN else st.from_type(kind)


def _ended_if_final(session: Session) -> Session:
    return replace(session, ended_at=session.alarm_at if session.is_final else None)


def _in_its_persons_shard(session: Session) -> Session:
    person = session.person and PersonHash(session.session_id[0] + session.person[1:])
    return replace(session, person=person)


# Hypothesis also draws words of our own code: those columns are known.
_UNKNOWN_COLUMNS = st.dictionaries(
    WORDS.map("ofALaterVersion{}".format), _values_of(str | int | float | bool), max_size=4
)
SESSIONS = (
    any_record(Session, session_id=IDS, unknown_columns=_UNKNOWN_COLUMNS)
    .map(_ended_if_final)
    .map(_in_its_persons_shard)
)
