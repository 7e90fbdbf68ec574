"""Write Parquet files in bounded memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, BinaryIO

from .records import Record

_ROWS = 10_000
"""Rows in a group: as many are in memory."""


def write_parquet(
    file: BinaryIO, read: Callable[[], Iterable[Record]], known_types: Mapping[str, Any] | None = None
) -> None:
    """Write records to a Parquet file. A column with values of several types becomes text.

    Args:
        file: the new file.
        read: returns the records; called twice, because a Parquet file begins with the types of all columns.
        known_types: of columns that were read from Parquet, such as dates, which records contain as text.
    """
    import pyarrow
    from pyarrow import parquet

    types: dict[str, Any] = {}
    for group in _groups(read()):
        for name, values in _columns(group).items():
            known = (known_types or {}).get(name)
            kind = _type(values) if known is None or not _fits(values, known) else known
            types[name] = _common_type(types.get(name, pyarrow.null()), kind)
    schema = pyarrow.schema(list(types.items()))
    with parquet.ParquetWriter(file, schema) as writer:
        for group in _groups(read()):
            arrays = [_array([record.get(name) for record in group], kind) for name, kind in types.items()]
            writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))


def _groups(records: Iterable[Record]) -> Iterator[list[Record]]:
    iterator = iter(records)
    while group := list(islice(iterator, _ROWS)):
        yield group


def _columns(group: list[Record]) -> dict[str, list[Any]]:
    names = dict.fromkeys(name for record in group for name in record)
    return {name: [record.get(name) for record in group] for name in names}


def _type(values: list[Any]) -> Any:
    import pyarrow

    try:
        kind = pyarrow.array(values).type
    except (pyarrow.ArrowException, OverflowError):
        return pyarrow.string()
    # Parquet has no objects without keys.
    return pyarrow.string() if pyarrow.types.is_struct(kind) and not kind.num_fields else kind


def _fits(values: list[Any], kind: Any) -> bool:
    import pyarrow

    if pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind):  # records contain no bytes
        return False
    try:
        _array(values, kind)
    except (pyarrow.ArrowException, OverflowError, TypeError, ValueError):
        return False
    return True


def _common_type(one: Any, other: Any) -> Any:
    import pyarrow

    try:
        schemas = [pyarrow.schema([("column", kind)]) for kind in (one, other)]
        return pyarrow.unify_schemas(schemas, promote_options="permissive").field(0).type
    except pyarrow.ArrowException:
        return pyarrow.string()


def _array(values: list[Any], kind: Any) -> Any:
    import pyarrow

    if kind == pyarrow.string():
        values = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
    if pyarrow.types.is_temporal(kind) or pyarrow.types.is_decimal(kind):
        return pyarrow.array(values, type=pyarrow.string()).cast(kind)
    return pyarrow.array(values, type=kind)
