"""Tables of every format are read row by row."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from fillmask_ls.cli.bulk.tables import Row, column_names, read_rows, table_format, value_at
from fillmask_ls.cli.errors import CommandError


def rows(content: str | bytes, table_format: str, **options: Any) -> list[Row]:
    content = content.encode() if isinstance(content, str) else content
    return list(read_rows(io.BytesIO(content), "table", table_format, **options))


def test_csv_has_a_header_quotes_and_line_ends_in_cells() -> None:
    found = rows('id,text\r\n1,"He said ""no"",\nand left."\r\n\r\n2,Yes.\r\n', "csv")
    assert [row.columns for row in found] == [
        {"id": "1", "text": 'He said "no",\nand left.'},
        {"id": "2", "text": "Yes."},
    ]
    assert [row.number for row in found] == [1, 2]


def test_csv_of_a_spreadsheet_can_be_separated_by_semicolons() -> None:
    assert rows("a;b\n1;2,5\n", "csv")[0].columns == {"a": "1", "b": "2,5"}


def test_tsv_keeps_commas() -> None:
    assert rows("a\tb\nx, y\tz\n", "tsv")[0].columns == {"a": "x, y", "b": "z"}


def test_a_file_without_a_header_gets_names() -> None:
    assert rows("True\tthe author laughs\n", "tsv", header=("ok", "text"))[0].columns == {
        "ok": "True",
        "text": "the author laughs",
    }


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("name", ["csv", "jsonl", "json"])
def test_a_byte_order_mark_names_the_encoding(encoding: str, name: str) -> None:
    content = {"csv": "text\ncafé\n", "jsonl": '{"text": "café"}\n', "json": '[{"text": "café"}]'}[name]
    assert [row.columns for row in rows(content.encode(encoding), name)] == [{"text": "café"}]


@pytest.mark.parametrize("name", ["csv", "jsonl"])
def test_an_encoding_can_be_named(name: str) -> None:
    content = {"csv": "text\ncafé\n", "jsonl": '{"text": "café"}\n'}[name]
    assert rows(content.encode("latin-1"), name, encoding="latin-1")[0].columns == {"text": "café"}


def test_a_row_of_another_length_is_an_error_and_the_next_one_is_read() -> None:
    wrong, right = rows("a,b\n1,2,3\n4,5\n", "csv")
    assert wrong.error == "the row has 3 cells, the header 2"
    assert right == Row(2, {"a": "4", "b": "5"})


def test_a_row_in_another_encoding_is_an_error_and_the_next_one_is_read() -> None:
    wrong, right = rows(b"a\ncaf\xe9\ntea\n", "csv")
    assert wrong.error == "the row is not UTF-8. Name its --encoding."
    assert right.columns == {"a": "tea"}


@pytest.mark.parametrize("line", ['{"a": ', "[1]", "3", "x" * 100_000, "[" * 100_000, '{"a": "\xff"}'])
def test_a_line_that_is_no_json_object_is_an_error_and_the_next_one_is_read(line: str) -> None:
    wrong, right = rows(line.encode("latin-1") + b'\n\n{"a": 1}\n', "jsonl")
    assert wrong.error
    assert right == Row(2, {"a": 1})


def test_json_is_a_list_or_an_object_with_one_list() -> None:
    items = [{"text": "a"}, {"text": "b"}]
    for value in (items, {"meta": {"name": "suite"}, "items": items}):
        assert [row.columns for row in rows(json.dumps(value), "json")] == items


@pytest.mark.parametrize("content", ["{}", '{"a": [], "b": []}', "3", "{", "\xff"])
def test_other_json_is_reported(content: str) -> None:
    with pytest.raises(CommandError, match="table is not"):
        rows(content.encode("latin-1"), "json")


def test_parquet_keeps_types(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"text": ["a", None], "n": [1, 2], "l": [["x"], []]}), tmp_path / "x.parquet")
    found = rows((tmp_path / "x.parquet").read_bytes(), "parquet")
    assert [row.columns for row in found] == [{"text": "a", "n": 1, "l": ["x"]}, {"text": None, "n": 2, "l": []}]


def test_no_parquet_is_reported() -> None:
    pytest.importorskip("pyarrow")
    with pytest.raises(CommandError, match="table is not a Parquet file"):
        rows(b"text", "parquet")


def test_two_columns_of_one_name_are_reported() -> None:
    with pytest.raises(CommandError, match="two columns named 'a'"):
        rows("a,a\n1,2\n", "csv")


def test_two_columns_of_one_name_in_parquet_are_reported() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    file = io.BytesIO()
    array = pyarrow.array(["a"])
    pytest.importorskip("pyarrow.parquet").write_table(
        pyarrow.Table.from_arrays([array, array], names=["text", "text"]), file
    )
    with pytest.raises(CommandError, match="two columns named 'text'"):
        list(read_rows(file, "table", "parquet"))


@pytest.mark.parametrize("rest", ["", "short\n", "\n\n"])
def test_column_names_of_csv_are_those_of_its_header(rest: str) -> None:
    assert column_names(io.BytesIO(f"text,id\n{rest}".encode()), "table", "csv") == ["text", "id"]


@pytest.mark.parametrize("bad", ['"Yes," he said.,2', '"open,2'])
def test_a_wrong_quotation_mark_is_an_error_and_changes_no_text(bad: str) -> None:
    first, second = rows(f"text,id\nfine,1\n{bad}\n", "csv")
    assert first.columns == {"text": "fine", "id": "1"}
    assert "can't be read" in second.error


def test_column_names_of_json_lines_are_those_of_all_rows() -> None:
    assert column_names(io.BytesIO(b'{"a": 1}\n{"b": 1, "a": 2}\n'), "table", "jsonl") == ["a", "b"]


def test_the_ending_tells_the_format() -> None:
    names = ["a.csv", "a.TSV", "a.jsonl", "a.ndjson", "a.parquet", "a.md", "a.json", "csv"]
    assert [table_format(Path(name)) for name in names] == ["csv", "tsv", "jsonl", "jsonl", "parquet", "", "", ""]


def test_a_path_leads_into_nested_values() -> None:
    columns = {"a": [{"b": "x"}], "a.0": "y"}
    assert value_at(columns, "a.0.b") == "x"
    assert value_at(columns, "a.0") == "y"
    for name in ("b", "a.1.b", "a.x", "a.0.b.c"):
        with pytest.raises(KeyError):
            value_at(columns, name)


def parquet_of(**columns: Any) -> bytes:
    pyarrow = pytest.importorskip("pyarrow")
    file = io.BytesIO()
    pytest.importorskip("pyarrow.parquet").write_table(pyarrow.table(columns), file)
    return file.getvalue()


def test_a_date_that_python_lacks_is_reported() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    content = parquet_of(day=pyarrow.array([10_000_000], pyarrow.date32()))
    with pytest.raises(CommandError, match="the table can't be read: date value out of range"):
        list(read_rows(io.BytesIO(content), "the table", "parquet"))


def test_damage_inside_a_parquet_file_is_reported() -> None:
    content = parquet_of(text=["a"])
    with pytest.raises(CommandError, match="the table can't be read"):
        list(read_rows(io.BytesIO(content[:10] + b"\xff" * 30 + content[40:]), "the table", "parquet"))
