"""Means of a number for each value of a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan, sqrt
from typing import Any

from .items import Item
from .records import Answer, Record
from .tables import value_at
from .task import Task


class Means:
    """Count, mean and standard deviation of a column in each group, computed in one pass (Welford 1962)."""

    def __init__(self, by: str | None, column: str) -> None:
        """Create means without groups.

        Args:
            by: the column whose values name the groups.
            column: the column with the numbers.
        """
        self._by, self._column = by or "", column
        self._groups: dict[str, tuple[int, float, float]] = {}

    def add(self, record: Mapping[str, Any]) -> None:
        """Add a record's number; a number can be text. A record without one is left out."""
        try:
            number = float(record.get(self._column) or nan)
        except ValueError:
            return
        if number != number:
            return
        group = str(value_at(record, self._by))
        count, mean, squares = self._groups.get(group, (0, 0.0, 0.0))
        count += 1
        difference = number - mean
        mean += difference / count
        self._groups[group] = count, mean, squares + difference * (number - mean)

    def records(self) -> list[Record]:
        """Return a record for each group, in the order of their first rows."""
        return [
            {
                self._by: group,
                "texts": count,
                f"mean_{self._column}": mean,
                f"sd_{self._column}": sqrt(squares / (count - 1)) if count > 1 else None,
            }
            for group, (count, mean, squares) in self._groups.items()
        ]


class MeansTask(Task):
    """A task that prints the mean of a value for each group, if it has groups, instead of each answer."""

    def __init__(self, by: str | None, value: str) -> None:
        self._is_grouped, self._means = by is not None, Means(by, value)

    def add(self, item: Item, answer: Answer) -> None:
        if self.has_summary:
            self._means.add({**item.columns, **answer.values})

    def add_written(self, record: Record) -> None:
        self._means.add(record)

    @property
    def has_summary(self) -> bool:
        return self._is_grouped

    def summary(self) -> Sequence[Record]:
        return self._means.records()
