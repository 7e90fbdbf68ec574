"""The time to read a source grows with its length, not with the square of it."""

from __future__ import annotations

import time

import pytest

from fillmask_ls.documents.prose import all_prose


@pytest.mark.parametrize(
    ("language", "start", "unit", "end"),
    [
        ("python", 'f"""', "{a}\n", '"""'),
        ("python", "", 'f"{a}"\n', ""),
        ("ruby", '"', "#{a}\n", '"'),
    ],
    ids=["lines-with-code", "strings-with-code", "ruby"],
)
def test_many_interpolations_are_read_in_linear_time(language: str, start: str, unit: str, end: str) -> None:
    source = start + unit * (30_000 // len(unit)) + end
    all_prose(start + unit + end, language)
    began = time.thread_time()
    prose = all_prose(source, language)
    assert time.thread_time() - began < 5
    assert prose.text.count("a") == source.count("{a}")


@pytest.mark.parametrize(("language", "unit"), [("org", "#+begin_src\n"), ("org", "*a "), ("yaml", "&a ")])
def test_four_times_as_much_markup_takes_less_than_ten_times_as_long(language: str, unit: str) -> None:
    def seconds(size: int) -> float:
        began = time.thread_time()
        all_prose(unit * (size // len(unit)), language)
        return time.thread_time() - began

    seconds(1_000)
    assert seconds(64_000) < 10 * seconds(16_000)
