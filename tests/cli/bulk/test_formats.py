"""Records of every format are read back whole, wherever their file was cut off."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillmask_ls.cli.bulk.formats import Csv, Format, Json, JsonLines

CELLS = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(
    ['"', "\r", "\n", "\r\n", '","', "a\rb", ""]
)
RECORDS = st.lists(st.fixed_dictionaries({"a": CELLS, "b,c": CELLS}), max_size=4)


@pytest.mark.parametrize("form", [JsonLines(), Csv(["a", "b,c"]), Csv(["a", "b,c"], "\t")], ids=["jsonl", "csv", "tsv"])
@given(records=RECORDS, data=st.data())
def test_a_file_that_was_cut_off_has_its_whole_records(
    form: Format, records: list[dict[str, str]], data: st.DataObject
) -> None:
    content = form.start + form.encode(records)
    size = data.draw(st.integers(0, len(content)))
    ends = [end for end, _ in form.scan(io.BytesIO(content))]
    assert [record for _, record in form.scan(io.BytesIO(content))] == records
    expected = [record for end, record in zip(ends, records, strict=True) if end <= size]
    assert [record for _, record in form.scan(io.BytesIO(content[:size]))] == expected


@given(records=RECORDS)
def test_any_reader_of_csv_reads_the_same_cells(records: list[dict[str, str]]) -> None:
    form = Csv(["a", "b,c"])
    text = (form.start + form.encode(records)).decode()
    assert list(csv.DictReader(io.StringIO(text, newline=""))) == records


@given(records=RECORDS, size=st.integers(1, 3))
def test_json_written_in_parts_is_one_list(records: list[dict[str, str]], size: int) -> None:
    form = Json()
    parts = [form.encode(records[start : start + size]) for start in range(0, len(records), size)]
    assert json.loads(b"".join([form.start, *parts, form.encode([]), form.end])) == records


def test_cells_without_text_are_empty_numbers_or_json() -> None:
    form = Csv(["none", "truth", "number", "list"])
    record = {"none": None, "truth": True, "number": 0.5, "list": ["a", 'b"']}
    assert form.encode([record]) == b',true,0.5,"[""a"", ""b\\""""]"\n'
