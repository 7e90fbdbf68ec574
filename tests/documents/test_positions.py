"""Conversion between columns in code units and indexes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillmask_ls.documents.positions import Encoding, to_index, width

LINES = st.text(st.sampled_from("ab é\u0301😀👍ßक्षि\ud83d中"), max_size=30)


@given(LINES, st.sampled_from(Encoding), st.data())
def test_a_column_converts_back_to_its_index(line: str, encoding: Encoding, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(line)))
    assert to_index(line, width(line[:index], encoding), encoding) == index


@pytest.mark.parametrize("encoding", Encoding)
def test_columns_of_a_long_line_convert_back(encoding: Encoding) -> None:
    line = "é😀" * 3000
    assert all(to_index(line, width(line[:index], encoding), encoding) == index for index in range(0, 6000, 7))
    assert to_index(line, 10**9, encoding) == 6000


@pytest.mark.parametrize(
    ("encoding", "column", "index"),
    [
        (Encoding.UTF8, 4, 1),
        (Encoding.UTF16, 2, 1),
        (Encoding.UTF32, 1, 1),
        # Inside the emoji: its start.
        (Encoding.UTF8, 1, 0),
        (Encoding.UTF8, 3, 0),
        (Encoding.UTF16, 1, 0),
        # Past the end: the end.
        (Encoding.UTF8, 99, 3),
        (Encoding.UTF16, 99, 3),
        (Encoding.UTF32, 99, 3),
    ],
)
def test_a_column_is_clamped_to_a_characters_start_and_the_lines_end(
    encoding: Encoding, column: int, index: int
) -> None:
    assert to_index("😀ab", column, encoding) == index
