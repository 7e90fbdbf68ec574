"""Passages in each language.

In a file of ``marked/``, a line follows each line with a mask: ``⟹`` and the passage of 24 tokens, or ``→`` and the
paragraph of the mask only. A folder has a file for each construct of a language.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from documents.languages import LANGUAGES, MARKUP, WHITESPACE, WORDS
from fillmask_ls import MASK
from fillmask_ls.documents.context import passage
from fillmask_ls.documents.languages import comments
from fillmask_ls.documents.languages.registry import code_language, find_language
from fillmask_ls.documents.masks import Focus
from fillmask_ls.documents.surroundings import line_around, prose_around
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.spans import Span
from fillmask_ls.words import find_masks

MARKED = Path(__file__).parent / "marked"
PASSAGE, PARAGRAPH = "⟹ ", "→ "
TEXTS = st.lists(st.sampled_from([*WORDS, *WHITESPACE, *MARKUP]), max_size=40).map("".join)


MARKER_FILES = sorted(str(path.relative_to(MARKED)).removesuffix(".marked") for path in MARKED.rglob("*.marked"))


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("name", MARKER_FILES)
def test_each_mask_has_the_prose_below_its_line(name: str, line_end: str) -> None:
    check_marker_file(name, line_end)


@pytest.mark.parametrize("name", [name for name in MARKER_FILES if code_language(find_language("", name)).grammar])
def test_each_mask_has_the_same_prose_without_a_grammar(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comments, "grammar_texts", lambda *_: None)
    check_marker_file(name, "\n")


def check_marker_file(name: str, line_end: str) -> None:
    """Compare what each mask of a file reads with the line below it."""
    lines = (MARKED / f"{name}.marked").read_text(encoding="utf-8").splitlines()
    expected = [line for line in lines if line.startswith((PASSAGE, PARAGRAPH))]
    text = line_end.join(line for line in lines if not line.startswith((PASSAGE, PARAGRAPH)))
    document = TextDocument(f"file:///somewhere/{name}", text)
    results = []
    masks = find_masks(text)
    assert len(expected) == len(masks), "a line with → or ⟹ must follow for each mask"
    for mask, line in zip(masks, expected, strict=True):
        result = passage(document, Focus(*mask), tokens=24, min_words=0)
        assert result.document_span(result.focus) == mask
        results.append(PASSAGE + result.text if line.startswith(PASSAGE) else PARAGRAPH + own_paragraph(document, mask))
    assert results == expected


def own_paragraph(document: TextDocument, mask: Span) -> str:
    """Return the paragraph of a mask, or else its line."""
    language = find_language(document.language_id, document.uri)
    focus = Focus(*mask)
    prose = prose_around(document, focus, language, 2_000) or line_around(document, focus, 2_000)
    index = prose.find(mask[0])
    assert index is not None
    return prose.text[prose.text.rfind("\n", 0, index) + 1 :].split("\n")[0]


@pytest.mark.parametrize(
    ("language_id", "uri", "expected"),
    [
        ("python", "file:///a.txt", "python"),
        ("typescriptreact", "", "tsx"),
        ("shellscript", "", "sh"),
        ("gitcommit", "", "gitcommit"),
        ("git-commit", "", "gitcommit"),
        ("tex", "", "latex"),
        ("quarto", "", "markdown"),
        ("plaintext", "file:///a/b%20c.rst", "restructuredtext"),
        ("", "file:///a/paper.typ", "typst"),
        ("nobody-knows-it", "file:///x/.git/COMMIT_EDITMSG", "gitcommit"),
        ("", "file:///Dockerfile", "docker"),
        ("plaintext", "file:///notes.txt", ""),
        ("plaintext", "untitled:Untitled-1", ""),
        ("nobody-knows-it", "file:///x.nobody", ""),
        ("mediawiki", "", ""),
        ("", "", ""),
    ],
)
def test_a_language_is_found_by_its_id_or_the_files_name(language_id: str, uri: str, expected: str) -> None:
    assert find_language(language_id, uri) == expected


@settings(deadline=None)
@given(TEXTS, st.sampled_from(LANGUAGES), st.sampled_from([16, 40, 256]))
def test_every_mask_has_a_passage_in_any_text(text: str, language_id: str, tokens: int) -> None:
    document = TextDocument("", text, language_id=language_id)
    for mask in find_masks(text):
        result = passage(document, Focus(*mask), tokens=tokens)
        assert result.document_span(result.focus) == mask
        assert len(result.origins) >= len(result.text)
        assert list(result.origins) == sorted(result.origins)
        assert not {"\n", "\r"} & set(result.text)
        assert all(result.text[start:end] == MASK for start, end in result.masks)


@settings(deadline=None)
@given(TEXTS, st.sampled_from(LANGUAGES))
def test_without_strip_markup_every_language_is_plain_text(text: str, language_id: str) -> None:
    document = TextDocument("", text, language_id=language_id)
    plain_text = TextDocument("", text, language_id="plaintext")
    for mask in find_masks(text):
        focus = Focus(*mask)
        assert passage(document, focus, strip_markup=False) == passage(plain_text, focus)
