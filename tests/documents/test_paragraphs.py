"""The paragraphs that diagnostics read, and the words of a document."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from documents.languages import LANGUAGES, MARKUP, WHITESPACE, WORDS
from fillmask_ls import MASK
from fillmask_ls.documents.context import word_passage
from fillmask_ls.documents.paragraphs import paragraphs
from fillmask_ls.documents.text import Position, TextDocument
from fillmask_ls.documents.token_estimate import estimate_tokens
from fillmask_ls.documents.word_spans import word_at, word_in_selection
from fillmask_ls.words import find_standalone_words, find_unmasked_words, find_words

TEXTS = st.lists(st.sampled_from([*WORDS, *WHITESPACE, *MARKUP]), max_size=40).map("".join)


@settings(deadline=None)
@given(TEXTS, st.sampled_from(LANGUAGES))
def test_each_word_of_a_paragraph_has_its_span_in_the_document(text: str, language_id: str) -> None:
    document = TextDocument("", text, language_id=language_id)
    for paragraph in paragraphs(document):
        assert len(paragraph.origins) == len(paragraph.text)
        assert list(paragraph.origins) == sorted(paragraph.origins)
        assert "\n" not in paragraph.text
        for span in paragraph.words:
            start, end = paragraph.document_span(span)
            word = paragraph.text[slice(*span)]
            assert text[start] == word[0]
            assert text[end - 1] == word[-1]
            result = word_passage(document, (start, end))
            assert result is not None
            assert result.document_span == (start, end)
            assert result.text[slice(*result.span)] == word


@given(TEXTS)
def test_unmasked_words_are_all_words_outside_masks(text: str) -> None:
    assert find_unmasked_words(text) == find_words(text.replace(MASK, " " * len(MASK)))
    assert set(find_standalone_words(text)) <= set(find_unmasked_words(text))


@given(TEXTS)
def test_every_index_of_a_word_finds_the_word(text: str) -> None:
    document = TextDocument("", text)
    for start, end in find_unmasked_words(text):
        assert {word_at(document, index) for index in range(start, end)} == {(start, end)}


@pytest.mark.parametrize(
    ("selection", "expected"),
    [((4, 4), (4, 9)), ((9, 9), (4, 9)), ((4, 9), (4, 9)), ((5, 7), (4, 9)), ((4, 10), None), ((3, 9), None)],
)
def test_a_selection_is_inside_one_word(selection: tuple[int, int], expected: tuple[int, int] | None) -> None:
    assert word_in_selection(TextDocument("", "The quick fox"), selection) == expected


def test_a_long_paragraph_is_split_between_sentences() -> None:
    text = "One two three four. " * 500
    results = paragraphs(TextDocument("", text), tokens=64)
    assert "".join(f"{paragraph.text} " for paragraph in results) == text
    assert all(estimate_tokens(paragraph.text) <= 64 for paragraph in results)
    assert all(paragraph.text.endswith(".") for paragraph in results)


def test_a_sentence_of_ten_pages_is_left_out_and_the_rest_read() -> None:
    document = TextDocument("", "word, " * 3_000 + "\n\nShe was afraid to loose her job.\n")
    assert [paragraph.text for paragraph in paragraphs(document)] == ["She was afraid to loose her job."]


@pytest.mark.parametrize("language_id", ["plaintext", "markdown", "python"])
def test_paragraphs_of_a_long_document_are_those_near_the_last_edit(language_id: str) -> None:
    comment = "# " if language_id == "python" else ""
    text = "".join(f"{comment}Number {number} of many more lines of prose.\n\n" for number in range(4_000))
    document = TextDocument("", text, language_id=language_id)
    assert paragraphs(document)[0].text.startswith("Number 0 ")
    edited = Position(2 * 2_000, len(f"{comment}Number"))
    document.replace(edited, edited, "")
    results = paragraphs(document)
    numbers = [int(paragraph.text.split()[1]) for paragraph in results]
    assert numbers[0] == 2_000
    assert {1_900, 2_100} <= set(numbers)
    assert min(numbers) > 1_000
    assert max(numbers) < 3_000
    assert sum(len(paragraph.text) for paragraph in results) <= 16_384
