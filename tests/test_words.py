"""The spans of words, and where sentences start."""

from __future__ import annotations

import pytest

from fillmask_ls.words import find_words, starts_sentence


def test_words_include_apostrophes_and_combining_marks() -> None:
    text = "don’t move the table. It's 3.5 m e\u0301te\u0301 naïve — ok_1"
    assert [text[start:end] for start, end in find_words(text)] == [
        "don’t", "move", "the", "table", "It's", "3", "5", "m", "e\u0301te\u0301", "naïve", "ok_1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "before", ["", "  ", "- ", "# ", "“", "End. ", "End.) ", 'He left." ', "Really?! ", "Wait… ", "終わり。"]
)
def test_sentence_starts_after_punctuation(before: str) -> None:
    assert starts_sentence(before)


@pytest.mark.parametrize("before", ["The ", "one, ", "e.g. ", "i.e. ", "this: ", "cats vs. ", "(see "])
def test_sentence_continues_after_words_and_abbreviations(before: str) -> None:
    assert not starts_sentence(before)
