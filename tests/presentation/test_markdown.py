"""Markdown: escaping, and an inspection as a list and a table."""

from __future__ import annotations

import re
from html import unescape

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from fillmask_ls.presentation.markdown import escape_markdown, inspection_markdown
from presentation.inspections import any_text, make_inspection

MARKDOWN = MarkdownIt("gfm-like")


@given(any_text)
@settings(deadline=None)
def test_nothing_of_any_text_acts_as_markdown(text: str) -> None:
    for line in inspection_markdown(make_inspection(text, masked=text, model=text), text).splitlines():
        unescaped = re.sub(r"\\.", "", re.sub(r"^- \*\*[\w ]+\*\*: ", "", line))
        assert not re.search(r"[`*_\[\]~\\]|<(?! 0)", unescaped)
        if line.startswith("|"):
            assert unescaped.count("|") == 6


def test_inspection_is_a_list_of_figures_and_a_table_of_masked_tokens() -> None:
    text = "War|broke *out*"
    lines = inspection_markdown(make_inspection(text, masked="*out*"), text).splitlines()
    assert lines[0] == "- **Model**: tiny (2 layers, 8 wide)"
    assert lines[-3] == "| | masked | probability | rank | best predictions |"
    assert lines[-1].startswith(r"| 1 | \*out\* | 25.0 % | 1,234 | guess1 10.0 %, guess2 5.0 %, ")


def test_inspection_without_masked_tokens_has_no_table() -> None:
    assert "|" not in inspection_markdown(make_inspection("War"), "War")


def test_table_ends_after_50_masked_tokens() -> None:
    text = "word " * 5_000
    assert "The first 50 of 5,000 masked tokens." in inspection_markdown(make_inspection(text, masked="word"), text)


def test_escaped_text_is_one_line() -> None:
    assert escape_markdown("a\n# b\t<i>") == r"a # b \<i\>"


def test_harmless_punctuation_is_not_escaped() -> None:
    plain = "Mask 1 of 2. Model: bert-base, 13.2 bits (A & B)!"
    assert escape_markdown(plain) == plain


@settings(deadline=None)
@given(st.text("\\`*_<>[]()|~$#+=-.!1&;:/@ w.html", max_size=20))
def test_escaped_text_renders_as_is(text: str) -> None:
    expected = " ".join(text.split())
    assert unescape(MARKDOWN.render(escape_markdown(text))) == (f"<p>{expected}</p>\n" if expected else "")
