"""Results as dictionaries, rows and tables. Nothing here imports torch, and pandas only where it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from html import escape
from itertools import islice
from reprlib import Repr
from typing import Any, TypeVar

T = TypeVar("T")

_MAX_ROWS_SHOWN = 50


class _ShortRepr(Repr):
    """Shortens long texts and tuples, and rounds numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 60
        self.maxtuple = self.maxlist = 3

    def repr_float(self, value: float, _level: int) -> str:
        return f"{value:.4g}"

    def repr_instance(self, value: object, _level: int) -> str:
        return repr(value)


_SHORT = _ShortRepr()


class Result:
    """A frozen dataclass that a function of this library returns."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return all attributes, those that are computed included, as plain dictionaries and lists."""
        return {name: _plain(getattr(self, name)) for name in _attributes(type(self))}

    def to_records(self) -> list[dict[str, Any]]:
        """Return the rows of a table: flat dictionaries; a span is two columns, ``start`` and ``end``."""
        return [_row(self)]

    def __repr__(self) -> str:
        shown = (f"{field.name}={_SHORT.repr(getattr(self, field.name))}" for field in fields(self))  # type: ignore[arg-type]
        return f"{type(self).__name__}({', '.join(shown)})"


class Results(list[T]):
    """A list of results, one for each text or part of a text, that can become a table.

    Attributes:
        index_name: the name of the column with the index of each result, from 0.
    """

    def __init__(self, results: Iterable[T] = (), *, index_name: str = "index") -> None:
        super().__init__(results)
        self.index_name = index_name

    def to_records(self) -> list[dict[str, Any]]:
        """Return the rows of all results as flat dictionaries, each with the index of its result."""
        return list(self._records())

    def to_pandas(self) -> Any:
        """Return :meth:`to_records` as a ``pandas.DataFrame``.

        Raises:
            ImportError: pandas is not installed.
        """
        try:
            import pandas  # type: ignore[import-untyped,import-not-found,unused-ignore]
        except ImportError as error:
            raise ImportError("to_pandas needs pandas: pip install pandas") from error

        return pandas.DataFrame(self.to_records())

    def _records(self) -> Iterator[dict[str, Any]]:
        for index, result in enumerate(self):
            rows = result.to_records() if isinstance(result, (Result, Results)) else [{"value": result}]
            yield from ({self.index_name: index, **row} for row in rows)

    def _repr_html_(self) -> str:
        """Show the first rows as a table in a notebook."""
        rows = list(islice(self._records(), _MAX_ROWS_SHOWN + 1))
        columns = list(dict.fromkeys(column for row in rows for column in row))
        head = "".join(f"<th>{escape(column)}</th>" for column in columns)
        body = "".join(
            f"<tr>{''.join(f'<td>{_cell(row.get(column))}</td>' for column in columns)}</tr>"
            for row in rows[:_MAX_ROWS_SHOWN]
        )
        more = "<p>…</p>" if len(rows) > _MAX_ROWS_SHOWN else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _attributes(kind: type) -> list[str]:
    """Return the names of a dataclass's fields and properties."""
    properties = [
        name for name, value in vars(kind).items() if isinstance(value, property) and not name.startswith("_")
    ]
    return [*(field.name for field in fields(kind)), *properties]


def _plain(value: object) -> Any:
    if isinstance(value, Result):
        return value.to_dict()
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return value


def _row(result: Result) -> dict[str, Any]:
    """Return the attributes that fit in a cell."""
    row: dict[str, Any] = {}
    for name in _attributes(type(result)):
        match getattr(result, name):
            case (int(start), int(end)) if name == "span":
                row |= {"start": start, "end": end}
            case tuple() | list() | Result():
                continue
            case value:
                row[name] = value
    return row


def _cell(value: object) -> str:
    return escape(f"{value:.4g}" if isinstance(value, float) else str("" if value is None else value))
