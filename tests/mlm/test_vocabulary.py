from __future__ import annotations

import pytest

from fillmask_ls.words import starts_sentence


@pytest.mark.parametrize(
    "before", ["", "  ", "- ", "# ", "“", "End. ", "End.) ", 'He left." ', "Really?! ", "Wait… ", "終わり。"]
)
def test_a_sentence_begins(before: str) -> None:
    assert starts_sentence(before)


@pytest.mark.parametrize("before", ["The ", "one, ", "e.g. ", "i.e. ", "this: ", "3.", "cats vs. ", "(see "])
def test_a_sentence_goes_on(before: str) -> None:
    assert starts_sentence(before) is (before == "3.")
