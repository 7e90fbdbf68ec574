"""What a model gets to read of each language: in ``marked/``, the passage stands beneath the line of its mask."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillmask_ls import MASK
from fillmask_ls.documents.context import passage
from fillmask_ls.documents.languages.registry import find_language
from fillmask_ls.documents.masks import Target
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.words import find_masks

MARKED = Path(__file__).parent / "marked"
EXPECTED = "⟹ "
LANGUAGES = ["c", "gitcommit", "html", "javascript", "latex", "markdown", "org", "plaintext", "python", "rst", "typst"]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("file", sorted(path.stem for path in MARKED.iterdir()))
def test_passages_beside_their_masks(file: str, line_end: str) -> None:
    lines = (MARKED / f"{file}.marked").read_text(encoding="utf-8").splitlines()
    expected = [line.removeprefix(EXPECTED) for line in lines if line.startswith(EXPECTED)]
    text = line_end.join(line for line in lines if not line.startswith(EXPECTED))
    document = TextDocument(f"file:///somewhere/{file}", text)
    found = [passage(document, Target(*mask), tokens=24) for mask in find_masks(text)]
    assert [each.text for each in found] == expected
    assert [each.document_span(each.focus) for each in found] == find_masks(text)


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
def test_a_language_by_its_id_or_its_files_name(language_id: str, uri: str, expected: str) -> None:
    assert find_language(language_id, uri) == expected


PARTS = st.sampled_from(
    [MASK, MASK, "word", "Ünï", "😀", "ℳ", " ", "  ", "\n", "\n\n", "\r\n", "\r", "\f", "\u2028", "\t", ". ", "*", "**", "_",
     "`", "```\n", "[", "](", ")", "<b>", "</b>", "<!--", "-->", "&amp;", "\\", "\\[", "\\]", "$", "{", "}", "\\begin{a}",
     "\\cite{", "%", "#", "# ", "//", "/*", "*/", '"', "'", '"""', "- ", "> ", "| ", ":: ", ".. note::", "\n=====\n", "---\n",
     "#+begin_src\n", "= ", "#f(", "@x", "x = ", ";\n"]
)  # fmt: skip


@given(st.lists(PARTS, max_size=40).map("".join), st.sampled_from(LANGUAGES), st.sampled_from([16, 40, 256]))
def test_whatever_stands_there_every_mask_has_a_passage_of_the_documents_characters(
    text: str, language_id: str, tokens: int
) -> None:
    document = TextDocument("", text, language_id=language_id)
    for mask in find_masks(text):
        found = passage(document, Target(*mask), tokens=tokens)
        assert found.document_span(found.focus) == mask
        assert len(found.origins) >= len(found.text)
        assert list(found.origins) == sorted(found.origins)
        assert not set(found.text) & {"\n", "\r"}
        assert all(found.text[start:end] == MASK for start, end in found.masks)


@given(st.lists(PARTS, max_size=40).map("".join), st.sampled_from(LANGUAGES))
def test_where_markup_is_to_be_read_everything_is_plain_text(text: str, language_id: str) -> None:
    document, plain = (TextDocument("", text, language_id=each) for each in (language_id, "plaintext"))
    for mask in find_masks(text):
        target = Target(*mask)
        assert passage(document, target, strip_markup=False) == passage(plain, target)
