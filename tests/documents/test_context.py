from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fillmask_ls import MASK
from fillmask_ls.documents.context import Passage, passage, passages
from fillmask_ls.documents.masks import Target, find
from fillmask_ls.documents.text import TextDocument


def around(text: str, number: int = 0, prefix: str = "") -> Passage:
    """The passage around a mask of a text, by its number."""
    return passage(TextDocument("", text), Target(*find(text)[number], prefix))


def test_the_passage_is_the_paragraph() -> None:
    found = around("Before.\n\nOne [MASK]\r\ntwo [MASK] three.\n  \nAfter.")
    assert found == Passage("One [MASK] two [MASK] three.", ((4, 10), (15, 21)), 0)


def test_what_was_typed_behind_the_mask_is_left_out() -> None:
    assert around("An [MASK]el walks.", prefix="el").text == "An [MASK] walks."


def test_a_long_paragraph_is_cut_between_words_near_the_mask() -> None:
    found = around("word " * 3000 + MASK + " more" * 3000)
    assert len(found.text) < 5000
    assert found.text.split() == ["word"] * (found.masks[0][0] // 5) + [MASK] + ["more"] * (
        (len(found.text) - found.masks[0][1]) // 5
    )


def test_a_paragraph_of_many_lines_is_cut_too() -> None:
    assert len(around("word\n" * 100_000 + MASK + "\nmore" * 100_000).text) < 5000


@given(st.lists(st.sampled_from(["word ", MASK, "\n", "\n\n", "x" * 900 + " "]), max_size=40).map("".join))
def test_every_mask_of_a_document_is_in_one_passage(text: str) -> None:
    document = TextDocument("", text)
    assert [mask for _, some in passages(document) for mask in some] == find(text)
    for found, some in passages(document):
        assert len(some) <= len(found.masks) - found.focus
        assert all(found.text[start:end] == MASK for start, end in found.masks)
