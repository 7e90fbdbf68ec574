"""A failure to read one passage costs no other answer."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from fillmask_ls.documents.context import passage, passages, word_passage
from fillmask_ls.documents.languages import comments, html, latex, markdown, org, restructuredtext, typst
from fillmask_ls.documents.languages.fragments import Fragment
from fillmask_ls.documents.masks import Focus
from fillmask_ls.documents.paragraphs import paragraphs
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.words import find_masks

MARKUP = {
    "html": html, "latex": latex, "markdown": markdown, "org": org, "restructuredtext": restructuredtext, "typst": typst,
}  # fmt: skip


def fail_at_secret(source: str, *_: object) -> Iterator[Fragment]:
    """Read everything as prose, but fail in a text with the word "secret"."""
    yield Fragment(0, len(source), source)
    if "secret" in source:
        raise ValueError(source)


@pytest.mark.parametrize("language", MARKUP)
def test_a_failing_reader_costs_only_its_own_passage(
    language: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(MARKUP[language], "fragments", fail_at_secret)
    text = "One [MASK] here.\n" + "\n" * 2 + "Some words.\n" * 1_000 + "\nThe secret is a [MASK] line.\nNext."
    document = TextDocument("", text, language_id=language)
    results = list(passages(document, tokens=64))
    assert [masks for _, masks in results] == [[mask] for mask in find_masks(text)]
    assert results[0][0].text.startswith("One [MASK] here. Some words.")
    assert results[1][0].text == "The secret is a [MASK] line. Next."
    assert caplog.record_tuples
    assert {record[1] for record in caplog.record_tuples} == {logging.ERROR}
    assert all(language in message and "ValueError" in message for *_, message in caplog.record_tuples)
    assert "secret" not in caplog.text


def test_a_failing_reader_of_code_costs_no_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comments, "fragments_around", fail_at_secret)
    monkeypatch.setattr(comments, "fragments", fail_at_secret)
    document = TextDocument("", "# The secret [MASK].\nx = 1\n", language_id="python")
    assert passage(document, Focus(13, 19)).text == "# The secret [MASK]. x = 1"
    assert word_passage(document, (2, 5)) is None
    assert paragraphs(document) == []


def test_a_reader_that_loses_the_mask_falls_back_to_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        markdown, "fragments", lambda source: iter([Fragment(0, len(source), source.replace("ℳ", "?"))])
    )
    document = TextDocument("", "First.\n\nThe [MASK] line.", language_id="markdown")
    assert passage(document, Focus(12, 18)).text == "First. The [MASK] line."
