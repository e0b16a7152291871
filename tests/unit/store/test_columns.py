from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

import pytest
from hypothesis import given

from shared.errors import UnreadableRecordError
from shared.store.columns import Columns
from tests.support.any_records import any_record
from tests.support.builders import NOW

Name = NewType("Name", str)


class Color(StrEnum):
    """Words that a column may hold."""

    RED = "red"
    DARK_BLUE = "darkBlue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A field of every type that a record may have."""

    name: Name
    nick_name: Name | None = None
    color: Color = Color.RED
    last_color: Color | None = None
    colors: tuple[Color, ...] = ()
    made_at: datetime = NOW
    sold_at: datetime | None = None
    count: int = 0
    share: float = 0.5
    is_new: bool = True
    version: str = "1"


COLUMNS = Columns(Record, prefix="old_", names={"is_new": "fresh"}, elsewhere={"version"})
ROW = COLUMNS.write(Record(name=Name("a"), colors=(Color.RED, Color.DARK_BLUE)))


@given(record=any_record(Record))
def test_a_record_comes_back_from_its_columns_as_it_was(record: Record) -> None:
    assert COLUMNS.read(COLUMNS.write(record), version=record.version) == record


def test_a_column_is_named_after_its_field_and_what_is_unknown_has_none() -> None:
    assert ROW == {
        "oldName": "a",
        "oldColor": "red",
        "oldColors": "red,darkBlue",
        "oldMadeAt": "2026-03-04T05:06:07.000Z",
        "oldCount": 0,
        "oldShare": 0.5,
        "fresh": True,
    }
    assert COLUMNS.name_of("nick_name") == "oldNickName"


def test_a_column_that_must_be_there_is_missed_by_name() -> None:
    row = {name: value for name, value in ROW.items() if name != "oldName"}

    with pytest.raises(UnreadableRecordError, match="oldName "):
        COLUMNS.read(row, version="1")


def test_a_column_that_came_later_has_its_fields_default() -> None:
    assert COLUMNS.read({"oldName": "a"}, version="1") == Record(name=Name("a"))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("oldName", 77.5),
        ("oldNickName", ["planted"]),
        ("oldColor", "planted"),
        ("oldColor", 77.5),
        ("oldLastColor", "planted"),
        ("oldColors", "red,planted"),
        ("oldColors", 77.5),
        ("oldMadeAt", "planted"),
        ("oldMadeAt", "2077-01-01T00:00:00"),
        ("oldMadeAt", NOW),
        ("oldSoldAt", "planted"),
        ("oldCount", "77"),
        ("oldCount", 77.5),
        ("oldCount", True),
        ("oldShare", "77.5"),
        ("oldShare", 1),
        ("fresh", 1),
        ("fresh", "planted"),
    ],
)
def test_a_column_of_another_type_is_named_and_its_value_is_not(column: str, value: object) -> None:
    with pytest.raises(UnreadableRecordError) as caught:
        COLUMNS.read({**ROW, column: value}, version="1")

    assert str(caught.value) == f"the column {column} is not as it should be"


@dataclass(frozen=True)
class Holder:
    """A field that may hold what no column can."""

    parts: object


@pytest.mark.parametrize("parts", [{}, [], b"bytes"], ids=repr)
def test_what_no_column_can_hold_is_not_written(parts: object) -> None:
    with pytest.raises(TypeError, match="a column holds no"):
        Columns(Holder).write(Holder(parts))
