"""The passage that a model reads around a mask."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fillmask_ls import MASK
from fillmask_ls.documents.context import Passage, passage, passages, passages_of_masks, word_passage
from fillmask_ls.documents.masks import Focus
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.documents.token_estimate import estimate_tokens
from fillmask_ls.words import find_masks
from notebook import PARAGRAPH, TOKENS


def passage_in(text: str, mask: int = 0, prefix: str = "", tokens: int = 256, language_id: str = "") -> Passage:
    """Return the passage around a mask of a text, by the mask's number."""
    document = TextDocument("", text, language_id=language_id)
    return passage(document, Focus(*find_masks(text)[mask], prefix), tokens=tokens)


def test_a_passage_is_the_paragraph_and_its_neighbors_in_one_line() -> None:
    result = passage_in("A heading\n\nBefore.\n\nOne [MASK]\r\ntwo [MASK] three.\n  \nAfter.")
    assert result.text == "A heading. Before. One [MASK] two [MASK] three. After."
    assert (result.masks, result.focus) == (((23, 29), (34, 40)), 0)
    assert [result.document_span(number) for number in (0, 1)] == [(24, 30), (36, 42)]


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
def test_passage_takes_sentences_of_the_paragraph_first_then_alternates_around_it(tokens: int, expected: str) -> None:
    text = "Start one. End one.\n\nTwo. Now the [MASK]. Three.\n\nStart four. End four."
    assert passage_in(text, tokens=tokens).text == expected


def test_the_prefix_after_the_mask_is_left_out() -> None:
    result = passage_in("An [MASK]el walks [MASK].", prefix="el")
    assert result.text == "An [MASK] walks [MASK]."
    assert result.document_span(1) == (18, 24)


def test_the_next_paragraph_does_not_continue_an_unfinished_sentence() -> None:
    assert passage_in("Earlier.\n\nThe end is [MASK]\n\nNext.").text == "Earlier. The end is [MASK]"
    assert passage_in("Earlier.\n\nThe end is [MASK] here\n\nNext.").text == "Earlier. The end is [MASK] here. Next."


@pytest.mark.parametrize(("before", "after"), [(3000, 3000), (0, 3000), (3000, 0), (3, 3000), (3000, 3)])
def test_a_long_sentence_is_cut_between_words_with_the_mask_inside(before: int, after: int) -> None:
    words = passage_in("word " * before + MASK + " more" * after, tokens=100).text.split()
    focus = words.index(MASK)
    assert words == ["word"] * focus + [MASK] + ["more"] * (len(words) - focus - 1)
    assert len(words) == 100
    if before < 50:
        assert focus == before
    elif after < 50:
        assert focus == 99 - after
    else:
        assert focus == pytest.approx(50, abs=1)


def test_a_text_without_spaces_or_sentences_is_cut() -> None:
    assert len(passage_in("字" * 100_000 + MASK + "字" * 100_000).text) == 255 + len(MASK)
    assert len(passage_in("x" * 100_000 + MASK + "x" * 100_000).text) < 10_000
    assert estimate_tokens(passage_in("word\n" * 100_000 + MASK + "\nmore" * 100_000).text) <= 256


def test_a_comment_that_starts_far_away_is_recognized() -> None:
    lines = "".join(f" * Line {number} of it\n" for number in range(300))
    result = passage_in(f"int x;\n/*\n{lines} * ends with [MASK] here.\n */\n", tokens=32, language_id="c")
    assert result.text.endswith("Line 299 of it ends with [MASK] here.")
    assert "*" not in result.text


@pytest.mark.parametrize(
    ("language_id", "text", "expected"),
    [
        (
            "python",
            "import os\n\n# The man was taken\n# to the [MASK].\nreturn text\n",
            "import os. # The man was taken # to the [MASK]. return text",
        ),
        (
            "yaml",
            'name: Build\nsteps:\n  - name: "[MASK] it"\n    run: pytest\n',
            'name: Build steps: - name: "[MASK] it" run: pytest',
        ),
        ("python", "# The [MASK] of it.\n", "# The [MASK] of it."),
        ("python", 'methods = ["GET", "[MASK]"]\n', 'methods = ["GET", "[MASK]"]'),
    ],
)
def test_short_comments_and_strings_are_read_within_the_source(language_id: str, text: str, expected: str) -> None:
    result = passage_in(text, language_id=language_id)
    assert result.text.startswith(expected)
    [(start, end)] = find_masks(text)
    assert result.document_span(result.focus) == (start, end)


@pytest.mark.parametrize(
    ("source", "word"),
    [
        (r'x = "hello\nworld again"', "world"),
        ("f(u'hello world')", "hello"),
        (r"x = 'it isn\'t good'", "isn\\'t"),
        ('x = "hello world"', "world"),
    ],
)
def test_word_of_a_short_string_is_read_without_what_python_writes_around_it(source: str, word: str) -> None:
    start = source.index(word)
    result = word_passage(TextDocument("", source, language_id="python"), (start, start + len(word)))
    assert result is not None
    assert result.document_span == (start, start + len(word))
    assert result.text[slice(*result.span)] == word.replace("\\", "")


def test_code_is_not_read_with_a_docstring_that_fills_half_of_the_passage() -> None:
    function = '    def one(self):\n        """Say it\'s one.\n\n        And more.\n        """\n        return 1\n\n'
    text = "class A:\n" + function * 100 + '    def two(self):\n        """The [MASK] of it."""\n' + function * 100
    for tokens in range(16, 400, 32):
        result = passage_in(text, tokens=tokens, language_id="python").text
        assert "The [MASK] of it." in result
        assert {"class", "def", "return", '"""'}.isdisjoint(result.split())


def test_masks_of_other_documents_have_no_span_in_this_one() -> None:
    first, second, third, fourth = (
        TextDocument("", text, language_id="markdown")
        for text in ("# First", "Then [MASK] is *second*.", "Last [MASK].", "")
    )
    result = passage(third, Focus(5, 11), before=[second, first], after=[fourth])
    assert result.text == "First. Then [MASK] is second. Last [MASK]."
    assert result.focus == 1
    assert [result.document_span(number) for number in (0, 1)] == [None, (5, 11)]


def test_the_estimate_of_tokens_is_close_to_a_tokenizers_count() -> None:
    assert estimate_tokens(PARAGRAPH) == pytest.approx(len(TOKENS.split()), rel=0.15)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["word ", MASK, "\n", "\n\n", ". ", "x" * 900 + " "]), max_size=40).map("".join))
def test_passages_contain_every_mask_of_a_document_once(text: str) -> None:
    results = list(passages(TextDocument("", text), tokens=64))
    assert [mask for _, masks in results for mask in masks] == find_masks(text)
    for result, masks in results:
        assert [result.document_span(result.focus + number) for number in range(len(masks))] == masks
        assert all(result.text[start:end] == MASK for start, end in result.masks)


def test_a_short_document_is_a_single_passage() -> None:
    text = "The [MASK] was in the [MASK].\n\nShe took [MASK] to the [MASK], and the [MASK] was [MASK]."
    [(result, masks)] = passages(TextDocument("", text))
    assert masks == find_masks(text)
    assert result.focus == 0


def test_masks_far_from_each_other_have_separate_passages() -> None:
    text = "The [MASK] was here. " + "Nothing of that was told. " * 100 + "The [MASK] was there."
    assert [len(masks) for _, masks in passages(TextDocument("", text))] == [1, 1]


@settings(deadline=None)
@given(
    st.sampled_from(["plaintext", "python", "markdown", "c"]),
    st.lists(
        st.sampled_from(
            [
                "word ",
                MASK,
                "\n",
                "\n\n",
                ". ",
                "the ",
                "x" * 900 + " ",
                '"',
                "# ",
                "x = f(",
                "/* ",
                " */",
                "<!-- ",
                "`",
            ]
        ),
        min_size=1,
        max_size=40,
    ).map("".join),
)
@example("python", f'x = 1  # So. Go.\nf(title="The {MASK}", text="we found the {MASK} {"word " * 20}")\n# So. Go.')
def test_passages_of_masks_are_those_of_each_mask(language: str, text: str) -> None:
    document = TextDocument("", text, language_id=language)
    masks = find_masks(text)
    assert list(passages_of_masks(document, masks, tokens=64)) == [
        passage(document, Focus(*mask), tokens=64) for mask in masks
    ]


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        (
            "---\ntitle: My page\ndescription: Learn to [MASK] pages\n---\n\n# Pages\n\nWe **make** pages.\n",
            "markdown",
            "title: My page description: Learn to [MASK] pages. Pages. We make pages.",
        ),
        ("Long[^1] text.\n\n[^1]: See the [MASK] here.\n", "markdown", "Long text. See the [MASK] here."),
        ("| Name | Color |\n| --- | --- |\n| sky | [MASK] here |\n", "markdown", "Name. Color. sky. [MASK] here"),
        ("<h1>Sky</h1><p>It is [MASK].</p>", "html", "Sky. It is [MASK]."),
        ("\\documentclass{a}\n\\begin{document}\nIt is [MASK].\n\\end{document}", "latex", "It is [MASK]."),
    ],
)
def test_a_short_passage_is_read_with_the_prose_around_it(text: str, language: str, expected: str) -> None:
    start = text.index(MASK)
    document = TextDocument("", text, language_id=language)
    result = passage(document, Focus(start, start + len(MASK)))
    assert result.text == expected
    assert result.document_span(result.focus) == (start, start + len(MASK))
