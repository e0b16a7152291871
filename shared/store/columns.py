"""Dataclasses as a table row's columns and back: one column a field, so that none is forgotten."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from types import NoneType
from typing import Any, NewType, get_args, get_origin, get_type_hints

from msgspec import json

from shared.errors import UnreadableRecordError
from shared.session.timestamps import rfc3339

type Row = dict[str, str | int | float | bool]
type _Parse = Callable[[object], Any]


def row_at(partition: str, key: str) -> Row:
    """Write a row of nothing but its keys."""
    return {"PartitionKey": partition, "RowKey": key}


class Columns[T]:
    """The columns of a dataclass, each named after its field."""

    def __init__(
        self,
        record: type[T],
        *,
        prefix: str = "",
        names: Mapping[str, str] | None = None,
        elsewhere: Collection[str] = (),
    ) -> None:
        """Take a dataclass, the columns that are named otherwise, the fields that have none."""
        self._record = record
        types = get_type_hints(record)
        # That it is a dataclass is no type that the standard library has a name for.
        own = [one for one in fields(record) if one.name not in elsewhere]  # type: ignore[arg-type]
        self._names = {one.name: _camel_case(prefix + one.name) for one in own} | dict(names or {})
        # Chosen once: a session alone has some thirty columns.
        self._parsers = {name: _parser_of(types[name]) for name in self._names}
        # An earlier version has written no column for a field that came later.
        self._defaults = {
            one.name
            for one in own
            if one.default is not MISSING or one.default_factory is not MISSING
        }

    def name_of(self, field: str) -> str:
        """Name the column of a field."""
        return self._names[field]

    def names(self) -> Collection[str]:
        """Name every column."""
        return self._names.values()

    def write(self, record: T) -> Row:
        """Write a record; what is None has no column."""
        return {
            column: write_value(value)
            for name, column in self._names.items()
            if (value := getattr(record, name)) is not None
        }

    def read(self, row: Mapping[str, object], **elsewhere: object) -> T:
        """Read a record from its row, and from elsewhere what is no column of it."""
        values: dict[str, Any] = {
            name: _read(row, column, self._parsers[name])
            for name, column in self._names.items()
            if column in row or name not in self._defaults
        }
        return self._record(**values, **elsewhere)


def write_value(value: object) -> str | int | float | bool:
    """Write a field's value, as text what the table has no type for."""
    match value:
        case StrEnum():
            return value.value
        case str() | int() | float():
            return value
        case datetime():
            return rfc3339(value)
        case tuple() if all(isinstance(one, str) for one in value):
            return ",".join(value)
        case tuple():
            return json.encode(value).decode()
    if is_dataclass(value):
        return json.encode(value).decode()
    raise TypeError(f"a column holds no {type(value).__name__}")


def read_column[T](row: Mapping[str, object], column: str, kind: type[T]) -> T:
    """Read one column as what it must be; UnreadableRecordError names it, never its value."""
    return _read(row, column, _parser_of(kind))  # type: ignore[no-any-return] # as the type says


def _read(row: Mapping[str, object], column: str, parse: _Parse) -> Any:  # noqa: ANN401
    try:
        return parse(row.get(column))
    except (TypeError, ValueError) as error:
        raise UnreadableRecordError(f"the column {column} is not as it should be") from error


def _parser_of(kind: Any) -> _Parse:  # noqa: ANN401 - any field's type
    if NoneType in get_args(kind):
        parse = _parser_of(get_args(kind)[0])
        return lambda value: None if value is None else parse(value)
    if isinstance(kind, NewType):
        return _parser_of(kind.__supertype__)
    if is_dataclass(kind) or is_dataclass(next(iter(get_args(kind)), None)):
        return lambda value: json.decode(_parse_exactly(value, str) or "[]", type=kind)
    if get_origin(kind) is tuple:
        parse = _parser_of(get_args(kind)[0])
        return lambda value: tuple(map(parse, filter(None, _parse_exactly(value, str).split(","))))
    return _plain_parser_of(kind)


def _plain_parser_of(kind: type[Any]) -> _Parse:
    if issubclass(kind, StrEnum):
        return lambda value: kind(_parse_exactly(value, str))
    if kind is datetime:
        return lambda value: _parse_time(_parse_exactly(value, str))
    return lambda value: _parse_exactly(value, kind)


def _parse_exactly[T](value: object, kind: type[T]) -> T:
    # A bool is no int here.
    if type(value) is not kind:
        raise TypeError(f"not {kind.__name__}")
    return value


def _parse_time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no time zone")
    return moment


def _camel_case(name: str) -> str:
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)
