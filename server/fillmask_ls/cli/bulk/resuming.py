"""Tell whether the records of an earlier run are those that this run writes."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ..errors import CommandError, ExitCode
from .records import Record, last_name
from .tables import column_names

BEGIN_AGAIN = "write to another file with -o, or begin again with --overwrite"
"""What to do with a file that can't be continued."""

_EXACT = 1e-3
"""Relative and absolute difference of values in float32: a text in another batch differs in the last digits."""
_COARSE = 0.2
"""The same for bfloat16, and for an engine, whose precision is unknown."""


@dataclass(frozen=True, slots=True)
class Written:
    """What an earlier run wrote.

    Attributes:
        end: the index in the file where the records to compute again begin.
        place: the first place to compute again, as text; None if there are no records.
        model: the model that wrote its records; empty if unknown.
        errors: how many places before ``end`` state an error.
        records: those from ``end`` on.
    """

    end: int = 0
    place: Mapping[str, str] | None = None
    model: str = ""
    errors: int = 0
    records: Sequence[Record] = ()


def check_columns(path: Path, columns: Collection[str]) -> None:
    """Check that a complete Parquet file has no other columns than a run writes.

    Raises:
        CommandError: it has, or it is not a Parquet file.
    """
    with path.open("rb") as file:
        others = [name for name in column_names(file, str(path), "parquet") if name not in columns]
    if others:
        raise CommandError(
            f"{path} has other columns than these options write ({', '.join(others[:3])}): {BEGIN_AGAIN}.",
            ExitCode.USAGE,
        )


def find_difference(
    written: Sequence[Record], computed: Sequence[Record], *, places: Sequence[str], kept: Collection[str], exact: bool
) -> str:
    """Return in words how written records differ from the ones computed again; empty if they don't.

    Args:
        written: the records; the last ones may be missing.
        computed: the records of the same places, and maybe of later ones.
        places: the names of what tells items apart.
        kept: the names of the input's columns.
        exact: whether values are computed in float32. If not, only numbers are compared, and coarsely.
    """
    last = ""
    for old, new in zip_longest(written, computed[: len(written)]):
        place, computed_place = _place(old, places), _place(new or {}, places)
        if place != computed_place or new is None:
            return _place_difference(last, place, computed_place)
        last, where = place, f"at {place}" if place else "at its end"
        inputs = {*kept, *(last_name(name, new) for name in places)}
        has_error = any(record.get(last_name("error", record)) for record in (old, new))
        for name in dict.fromkeys([*old, *new]):
            if name in inputs or not has_error:
                difference = _difference(name, old.get(name), new.get(name), is_input=name in inputs, exact=exact)
                if difference:
                    return f"{where}, {difference}"
        if has_error:  # an error can be one record where there are several without it
            return ""
    return ""


def _place(record: Record, places: Sequence[str]) -> str:
    return ", ".join(f"{name} {record[key]}" for name in places if (key := last_name(name, record)) in record)


def _place_difference(last: str, place: str, computed: str) -> str:
    if computed == last:
        return f"at {last}, this run writes more records"
    if place == last or not computed:
        return f"at {place}, this run writes fewer records"
    return f"after {last}, it goes on at {place}, and this run at {computed}"


def _difference(name: str, old: Any, new: Any, *, is_input: bool, exact: bool) -> str:
    if str(old) == str(new):
        return ""
    if old is None or new is None:
        return f"{'it has' if old is None else 'this run writes'} no column {name!r}"
    if is_input:
        return f"column {name!r} contains {_shown(old)}, and this run reads {_shown(new)}"
    if _is_same(old, new, exact=exact):
        return ""
    return f"column {name!r} contains {_shown(old)}, and this run computes {_shown(new)}"


def _is_same(old: Any, new: Any, *, exact: bool) -> bool:
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(_is_same(old[name], new[name], exact=exact) for name in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(_is_same(*pair, exact=exact) for pair in zip(old, new, strict=True))
    try:
        tolerance = _EXACT if exact else _COARSE
        one, other = float(old), float(new)
    except (TypeError, ValueError):
        return not exact or str(old) == str(new)
    return math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance) or (math.isnan(one) and math.isnan(other))


def _shown(value: Any) -> str:
    return f"a list of {len(value)}" if isinstance(value, list) else f"{value!r:.60}"
