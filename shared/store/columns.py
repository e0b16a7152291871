"""A table row's columns, read as what they must be."""

from collections.abc import Mapping
from datetime import datetime

type Row = dict[str, str | int | float | bool]


class Columns:
    """Reads columns as what they must be, so that a strange row is noticed here."""

    def __init__(self, row: Mapping[str, object]) -> None:
        """Take a row; KeyError, TypeError or ValueError come when a column is read."""
        self._row = row

    def required[T](self, name: str, kind: type[T]) -> T:
        """Read a column that must be there."""
        value = self._row[name]
        if not isinstance(value, kind):
            raise TypeError(f"{name} is not {kind.__name__}")
        return value

    def optional[T](self, name: str, kind: type[T]) -> T | None:
        """Read a column that may be missing."""
        return self.required(name, kind) if self._row.get(name) is not None else None

    def text(self, name: str) -> str:
        """Read a text that must be there."""
        return self.required(name, str)

    def time(self, name: str) -> datetime:
        """Read a time that must be there, and must have a zone."""
        moment = datetime.fromisoformat(self.text(name))
        if moment.tzinfo is None:
            raise ValueError(f"{name} has no time zone")
        return moment
