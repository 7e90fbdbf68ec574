"""Records: what a command found for an item, beside the item's own columns and its location."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .inputs import Input
from .items import Item

Record = Mapping[str, Any]

_PREFIX = "fillmask_"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command found for an item, or for one of its masks.

    Attributes:
        values: the result as a JSON-compatible mapping.
        rows: the same as rows of a table, without nested values; by default one row, ``values``.
        location: the index of the item's location that it belongs to.
        result: what the library returned, to show it to people.
        model: the name of the model that answered; empty for an error.
    """

    values: Record
    rows: Sequence[Record] | None = None
    location: int = 0
    result: Any = None
    model: str = ""

    def with_values(self, **values: Any) -> Answer:
        """Return this answer with more values before the others."""
        rows = None if self.rows is None else [{**values, **row} for row in self.rows]
        return replace(self, values={**values, **self.values}, rows=rows)


def error_answer(message: str) -> Answer:
    """Return the answer that states why there is none."""
    return Answer({"error": message})


def make_records(item: Item, answer: Answer, *, flat: bool, taken: Collection[str] | None = None) -> Iterator[Record]:
    """Yield the records of an answer: the item's columns, its location, and the values.

    A name that is one of the item's columns gets a prefix, so that no column is lost.

    Args:
        flat: whether nested values become rows of their own.
        taken: the names of the item's columns; by default those that it has.
    """
    taken = item.columns.keys() if taken is None else taken
    for values in answer.rows if flat and answer.rows is not None else [answer.values]:
        own = {**item.locations[answer.location], **values}
        yield {**item.columns, **{free_name(name, taken): value for name, value in own.items()}}


def free_name(name: str, taken: Collection[str]) -> str:
    """Return ``name`` with as many prefixes as it needs to be none of ``taken``.

    >>> free_name("row", ["text", "row"])
    'fillmask_row'
    """
    while name in taken:
        name = _PREFIX + name
    return name


def last_name(name: str, record: Collection[str]) -> str:
    """Return the name under which :func:`make_records` wrote a value that is in ``record``."""
    while _PREFIX + name in record:
        name = _PREFIX + name
    return name


def location_names(inputs: Sequence[Input]) -> list[str]:
    """Return the names of what tells the items of these inputs apart."""
    are_documents = {each.kind in ("document", "text") for each in inputs}
    has_path = len(inputs) > 1 or any(each.kind == "document" for each in inputs)
    return [
        *(["path"] if has_path else []),
        *(["row"] if False in are_documents else []),
        *(["line", "column"] if True in are_documents else []),
    ]
