"""The paragraphs that words are marked in, and which words can be."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillmask_ls.documents.context import word_passage
from fillmask_ls.documents.paragraphs import paragraphs
from fillmask_ls.documents.text import Position, TextDocument
from fillmask_ls.documents.token_estimate import estimate_tokens
from fillmask_ls.documents.word_spans import word_at
from fillmask_ls.words import find_masks, find_standalone_words, find_unmasked_words, find_words

LANGUAGES = ["c", "gitcommit", "html", "latex", "markdown", "org", "plaintext", "python", "rst", "typst"]
PARTS = st.sampled_from(
    ["[MASK]", "word", "Ünï", "don't", "😀", " ", "\n", "\n\n", "\r\n", ". ", "*", "_", "`", "```\n", "[", "](", ")",
     "<b>", "<code>", "</code>", "&amp;", "\\texttt{", "$", "{", "}", "%", "#", "# ", "//", '"', "'", "- ", "> ", "=", "~"]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(PARTS, max_size=40).map("".join), st.sampled_from(LANGUAGES))
def test_every_word_is_in_the_document_where_it_is_said_to_be(text: str, language_id: str) -> None:
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
            found = word_passage(document, (start, end))
            assert found is not None
            assert found.document_span == (start, end)
            assert found.text[slice(*found.span)] == word


@given(st.lists(PARTS, max_size=40).map("".join))
def test_words_are_those_of_the_scores_but_for_masks(text: str) -> None:
    masks = [place for start, end in find_masks(text) for place in range(start, end)]
    assert find_unmasked_words(text) == [span for span in find_words(text) if span[0] not in masks] or "[MASK]" in text
    assert set(find_standalone_words(text)) <= set(find_unmasked_words(text))
    document = TextDocument("", text)
    for start, end in find_unmasked_words(text):
        assert {word_at(document, index) for index in range(start, end)} == {(start, end)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See the “blue” (and green) house—please, don't.", "See the blue and green house please don't"),
        ("a/path x.com well-known me@here [MASK] [MASK]s $var snake_case end.", "snake_case end"),
        ("So... it goes!? Yes: it 'does'.", "So it goes Yes it does"),
    ],
)
def test_words_that_stand_for_themselves(text: str, expected: str) -> None:
    assert [text[slice(*span)] for span in find_standalone_words(text)] == expected.split()


def test_a_long_paragraph_is_cut_at_the_ends_of_sentences() -> None:
    text = "One two three four. " * 500
    found = paragraphs(TextDocument("", text), tokens=64)
    assert "".join(f"{paragraph.text} " for paragraph in found) == text
    assert all(estimate_tokens(paragraph.text) <= 64 for paragraph in found)
    assert all(paragraph.text.endswith(".") for paragraph in found)


@pytest.mark.parametrize("language_id", ["plaintext", "markdown", "python"])
def test_of_a_long_document_what_is_near_the_last_edit(language_id: str) -> None:
    sign = "# " if language_id == "python" else ""
    line = f"{sign}Number {{}} of many more lines of prose.\n\n"
    document = TextDocument("", "".join(map(line.format, range(20_000))), language_id=language_id)
    assert paragraphs(document)[0].text.startswith("Number 0 ")
    document.replace(Position(20_000, 8 + len(sign)), Position(20_000, 8 + len(sign)), "")
    found = [paragraph.text.split()[1] for paragraph in paragraphs(document)]
    assert found[0] == "10000"
    assert {"9900", "10100"} <= set(found)
    assert int(min(found, key=int)) > 9_000
    assert int(max(found, key=int)) < 11_000
    assert sum(len(paragraph.text) for paragraph in paragraphs(document)) <= 16_384
