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
class EarlierOutput:
    """What an earlier run wrote.

    Attributes:
        offset: the index in the file where the records to compute again begin.
        location: the first location to compute again, as text; None if there are no records.
        model: the model that wrote its records; empty if unknown.
        errors: how many locations before ``offset`` state an error.
        records: those from ``offset`` on.
    """

    offset: int = 0
    location: Mapping[str, str] | None = None
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
    written: Sequence[Record],
    computed: Sequence[Record],
    *,
    locations: Sequence[str],
    kept: Collection[str],
    exact: bool,
) -> str:
    """Return in words how written records differ from the ones computed again; empty if they don't.

    Args:
        written: the records; the last ones may be missing.
        computed: the records of the same locations, and maybe of later ones.
        locations: the names of what tells items apart.
        kept: the names of the input's columns.
        exact: whether values are computed in float32. If not, only numbers are compared, and coarsely.
    """
    last = ""
    for old, new in zip_longest(written, computed[: len(written)]):
        location, computed_location = _location(old, locations), _location(new or {}, locations)
        if location != computed_location or new is None:
            return _location_difference(last, location, computed_location)
        last, where = location, f"at {location}" if location else "at its end"
        inputs = {*kept, *(last_name(name, new) for name in locations)}
        has_error = any(record.get(last_name("error", record)) for record in (old, new))
        for name in dict.fromkeys([*old, *new]):
            if name in inputs or not has_error:
                difference = _difference(name, old.get(name), new.get(name), is_input=name in inputs, exact=exact)
                if difference:
                    return f"{where}, {difference}"
        if has_error:  # an error can be one record where there are several without it
            return ""
    return ""


def _location(record: Record, locations: Sequence[str]) -> str:
    return ", ".join(f"{name} {record[key]}" for name in locations if (key := last_name(name, record)) in record)


def _location_difference(last: str, location: str, computed: str) -> str:
    if computed == last:
        return f"at {last}, this run writes more records"
    if location == last or not computed:
        return f"at {location}, this run writes fewer records"
    return f"after {last}, it goes on at {location}, and this run at {computed}"


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
