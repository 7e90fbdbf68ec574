from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillmask_ls import MASK
from fillmask_ls.documents.context import Passage, passage, passages
from fillmask_ls.documents.masks import Target
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.documents.token_estimate import estimate_tokens
from fillmask_ls.mlm.model import MaskedLM
from fillmask_ls.words import find_masks
from seed import PARAGRAPH


def around(text: str, number: int = 0, prefix: str = "", tokens: int = 256, language_id: str = "") -> Passage:
    """The passage around a mask of a text, by its number."""
    document = TextDocument("", text, language_id=language_id)
    return passage(document, Target(*find_masks(text)[number], prefix), tokens=tokens)


def test_the_paragraph_then_its_neighbours_each_in_one_line() -> None:
    found = around("A heading\n\nBefore.\n\nOne [MASK]\r\ntwo [MASK] three.\n  \nAfter.")
    assert found.text == "A heading. Before. One [MASK] two [MASK] three. After."
    assert (found.masks, found.focus) == (((23, 29), (34, 40)), 0)
    assert [found.document_span(number) for number in (0, 1)] == [(24, 30), (36, 42)]


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (4, "Now the [MASK]."),
        (6, "Two. Now the [MASK]."),
        (8, "Two. Now the [MASK]. Three."),
        (11, "End one. Two. Now the [MASK]. Three."),
        (14, "End one. Two. Now the [MASK]. Three. Start four."),
        (99, "Start one. End one. Two. Now the [MASK]. Three. Start four. End four."),
    ],
)
def test_sentences_of_the_paragraph_come_first_then_those_around_it_in_turn(tokens: int, expected: str) -> None:
    text = "Start one. End one.\n\nTwo. Now the [MASK]. Three.\n\nStart four. End four."
    assert around(text, tokens=tokens).text == expected


def test_what_was_typed_behind_the_mask_is_left_out() -> None:
    found = around("An [MASK]el walks [MASK].", prefix="el")
    assert found.text == "An [MASK] walks [MASK]."
    assert found.document_span(1) == (18, 24)


def test_a_sentence_still_to_be_written_is_not_gone_on_with_by_the_next_paragraph() -> None:
    assert around("Earlier.\n\nThe end is [MASK]\n\nNext.").text == "Earlier. The end is [MASK]"
    assert around("Earlier.\n\nThe end is [MASK] here\n\nNext.").text == "Earlier. The end is [MASK] here. Next."


@pytest.mark.parametrize(("before", "after"), [(3000, 3000), (0, 3000), (3000, 0), (3, 3000), (3000, 3)])
def test_a_long_sentence_is_cut_between_words_with_the_mask_inside(before: int, after: int) -> None:
    found = around("word " * before + MASK + " more" * after, tokens=100)
    words = found.text.split()
    at = words.index(MASK)
    assert words == ["word"] * at + [MASK] + ["more"] * (len(words) - at - 1)
    assert len(words) == 100
    assert at == (before if before < 50 else 99 - after if after < 50 else at)
    assert abs(at - 50) <= 1 or min(before, after) < 50


def test_a_text_without_blanks_or_ends_is_cut_too() -> None:
    assert len(around("字" * 100_000 + MASK + "字" * 100_000).text) == 255 + len(MASK)
    assert len(around("x" * 100_000 + MASK + "x" * 100_000).text) < 10_000
    assert estimate_tokens(around("word\n" * 100_000 + MASK + "\nmore" * 100_000).text) <= 256


def test_a_comment_whose_beginning_is_far_away_is_still_one() -> None:
    lines = "".join(f" * Line {number} of it\n" for number in range(300))
    found = around(f"int x;\n/*\n{lines} * ends with [MASK] here.\n */\n", tokens=32, language_id="c")
    assert found.text.endswith("Line 299 of it ends with [MASK] here.")
    assert "*" not in found.text


def test_a_lexer_is_not_led_astray_by_where_its_text_was_cut() -> None:
    function = '    def one(self):\n        """Say it\'s one.\n\n        And more.\n        """\n        return 1\n\n'
    text = "class A:\n" + function * 100 + '    def two(self):\n        """The [MASK] of it."""\n' + function * 100
    for tokens in range(16, 400, 16):
        found = around(text, tokens=tokens, language_id="python").text
        assert "The [MASK] of it." in found
        assert {"class", "def", "return", '"""'}.isdisjoint(found.split())


def test_other_documents_give_context_and_no_place() -> None:
    one, two, three, four = (
        TextDocument("", text, language_id="markdown")
        for text in ("# First", "Then [MASK] is *second*.", "Last [MASK].", "")
    )
    found = passage(three, Target(5, 11), before=[two, one], after=[four])
    assert found.text == "First. Then [MASK] is second. Last [MASK]."
    assert found.focus == 1
    assert [found.document_span(number) for number in (0, 1)] == [None, (5, 11)]


def test_the_estimate_is_near_what_a_tokenizer_makes_of_it(model: MaskedLM) -> None:
    real = len(model.tokenizer.encode(PARAGRAPH, []).ids)
    assert abs(estimate_tokens(PARAGRAPH) - real) <= 0.15 * real


@given(st.lists(st.sampled_from(["word ", MASK, "\n", "\n\n", ". ", "x" * 900 + " "]), max_size=40).map("".join))
def test_every_mask_of_a_document_is_in_one_passage(text: str) -> None:
    document = TextDocument("", text)
    assert [mask for _, some in passages(document, tokens=64) for mask in some] == find_masks(text)
    for found, some in passages(document, tokens=64):
        assert [found.document_span(found.focus + number) for number in range(len(some))] == some
        assert all(found.text[start:end] == MASK for start, end in found.masks)


def test_a_text_that_is_read_as_a_whole_is_one_passage() -> None:
    text = "The [MASK] was in the [MASK].\n\nShe took [MASK] to the [MASK], and the [MASK] was [MASK]."
    [(found, places)] = passages(TextDocument("", text))
    assert places == find_masks(text)
    assert found.focus == 0


def test_masks_far_from_each_other_have_passages_of_their_own() -> None:
    text = "The [MASK] was here. " + "Nothing of that was told. " * 100 + "The [MASK] was there."
    assert [len(places) for _, places in passages(TextDocument("", text))] == [1, 1]
