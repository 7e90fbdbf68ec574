"""Passages in each language. In the files of ``marked/``, the expected passage follows the line of its mask."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from documents.languages import LANGUAGES, MARKUP, WHITESPACE, WORDS
from fillmask_ls import MASK
from fillmask_ls.documents.context import passage
from fillmask_ls.documents.languages.registry import find_language
from fillmask_ls.documents.masks import Target
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.words import find_masks

MARKED = Path(__file__).parent / "marked"
EXPECTED = "⟹ "
TEXTS = st.lists(st.sampled_from([*WORDS, *WHITESPACE, *MARKUP]), max_size=40).map("".join)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("name", sorted(path.stem for path in MARKED.iterdir()))
def test_each_mask_has_the_passage_below_its_line(name: str, line_end: str) -> None:
    lines = (MARKED / f"{name}.marked").read_text(encoding="utf-8").splitlines()
    expected = [line.removeprefix(EXPECTED) for line in lines if line.startswith(EXPECTED)]
    text = line_end.join(line for line in lines if not line.startswith(EXPECTED))
    document = TextDocument(f"file:///somewhere/{name}", text)
    results = [passage(document, Target(*mask), tokens=24) for mask in find_masks(text)]
    assert [result.text for result in results] == expected
    assert [result.document_span(result.focus) for result in results] == find_masks(text)


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
        result = passage(document, Target(*mask), tokens=tokens)
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
        target = Target(*mask)
        assert passage(document, target, strip_markup=False) == passage(plain_text, target)
