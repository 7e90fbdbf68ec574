"""The page and the Markdown of an inspection, from inspections made by hand."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from math import log2

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from fillmask_ls.mlm.results import InspectedToken, Inspection, TokenCandidate
from fillmask_ls.presentation.html import _STYLE, markdown, page
from fillmask_ls.presentation.markdown import escape_markdown

MARKDOWN = MarkdownIt("gfm-like")
VOID = {"meta", "rect"}
EVIL = "<script>alert(1)</script>\"'&amp;\x00\x1b\r\n\ud800\u202e\u2028👩‍👩‍👧 مرحبا</style></title>-->|[a](x:y)`*_"


class Reading(HTMLParser):
    """Reads a page as a browser does: which elements there are, and the text under the element with an attribute."""

    def __init__(self, html: str, under: tuple[str, str] = ("class", "text")) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.under, self.depth, self.text = under, 0, ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag in VOID:
            return
        self.open.append(tag)
        if not self.depth and self.under in attributes:
            self.depth = len(self.open)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if len(self.open) < self.depth:
            self.depth = 0

    def handle_data(self, data: str) -> None:
        if self.depth:
            self.text += data


def inspection(text: str = "", *, masked: str = "", **changes: object) -> Inspection:
    """Of a text whose tokens are its words, with those masked that are in ``masked``."""
    words = [
        InspectedToken(7, match[0], match.span(), match[0] in masked.split(), "x", 0.25, 2, ())
        for match in re.finditer(r"\S+", text)
    ]
    predictions = tuple(TokenCandidate(f"guess{number}", 0.1 / number) for number in range(1, 6))
    words = [replace(word, predictions=predictions, rank=1234) if word.masked else word for word in words]
    tokens = (
        InspectedToken(101, "[CLS]", (0, 0), False, "x", 0.0, 9),
        *words,
        InspectedToken(102, "[SEP]", (0, 0), False, "x", 1.0, 1),
    )
    made = Inspection("tiny", 7, 0.15, tokens, 1.5, 2.25 if masked else None, 3, 8, (9.5, 11.25, 2.0))
    return replace(made, **changes)  # type: ignore[arg-type]


def shown(text: str) -> str:
    """What a page shows instead of what HTML can't hold."""
    text = re.sub(r"\r\n?", "\n", text)
    return "".join(
        chr(0x2400 + ord(character))
        if character < " " and character not in "\t\n"
        else "␡"
        if character == "\x7f"
        else "\ufffd"
        if "\x80" <= character <= "\x9f" or "\ud800" <= character <= "\udfff"
        else character
        for character in text
    )


anything = st.text(st.characters(), max_size=80) | st.lists(
    st.sampled_from([EVIL, " ", "\n", "word", "<", "&lt;", "\x00", "\udc00", "[MASK]", "\u2067"]), max_size=12
).map("".join)


@given(anything, st.data())
@settings(deadline=None)
def test_any_text_comes_back_and_breaks_nothing(text: str, data: st.DataObject) -> None:
    spans = data.draw(
        st.lists(st.tuples(st.integers(0, len(text)), st.integers(0, len(text) + 3)).map(sorted).map(tuple), max_size=6)
    )
    tokens = tuple(
        InspectedToken(5, text[start:end] or "▁", (start, end), data.draw(st.booleans()), text[:9], 0.5, 1)
        for start, end in sorted(spans)
    )
    made = inspection(text, tokens=tokens, model=text)
    html = page(made, text)
    html.encode()
    reading = Reading(html)
    assert reading.open == []
    assert reading.text == shown(text)
    # Nothing of the text is an element or an attribute.
    plain = Reading(page(replace(made, model=""), "." * len(text)))
    assert {tag for tag, _ in reading.elements} <= {tag for tag, _ in plain.elements} | {"p", "div"}


@given(anything)
@settings(deadline=None)
def test_any_text_is_inert_in_markdown(text: str) -> None:
    for line in markdown(inspection(text, masked=text, model=text), text).splitlines():
        own = re.sub(r"\\.", "", re.sub(r"^- \*\*[\w ]+\*\*: ", "", line))
        assert not re.search(r"[`*_\[\]~\\]|<(?! 0)", own)
        if line.startswith("|"):
            assert own.count("|") == 6


def test_nothing_is_loaded_and_nothing_runs() -> None:
    html = page(inspection(EVIL, masked=EVIL), EVIL)
    reading = Reading(html)
    assert not {"script", "link", "img", "iframe", "object", "form", "base"} & {tag for tag, _ in reading.elements}
    for _, attributes in reading.elements:
        assert not any(name.startswith("on") or name in ("src", "style") for name in attributes)
        assert (attributes.get("href") or "#").startswith("#")
    [policy] = [a["content"] for _, a in reading.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not re.search(r"url\(|@import|https?:|//", html.replace(shown(EVIL), ""))


def test_the_figures_are_there() -> None:
    text = "War broke out in April"
    html = page(inspection(text, masked="broke April"), text)
    for figure in ("tiny", "2 layers, 8 wide", "at rate 0.15 with seed 7", "1.5000 nats", "2.2500 nats", "4.48"):
        assert figure in html
    assert Reading(html, ("id", "norms-text")).text == "embeddings 9.5; layer 1 11.2; layer 2 2.0"
    assert "0 of 2" in html
    assert 'title="2.0 bits, 25.0 %"' in html
    assert "<title>War broke out in April – fillmask-ls inspect</title>" in html
    assert '<html lang="en">' in html


def test_the_original_is_marked_in_the_best_or_below_them() -> None:
    made = inspection("War", masked="War")
    card = Reading(page(made, "War"), ("id", "m1")).text
    assert re.search(r"5\s*guess5\s*2\.0 %\s*1,234\s*War ← original\s*25\.0 %", card)
    [war] = [token for token in made.tokens if token.masked]
    found = replace(war, predictions=(*war.predictions[:2], TokenCandidate("War", 0.05)), rank=3)
    card = Reading(page(replace(made, tokens=(found,)), "War"), ("id", "m1")).text
    assert re.search(r"3\s*War ← original\s*5\.0 %\s*$", card)
    assert "rank 3" in card
    assert card.count("original") == 1


def test_a_mask_of_the_texts_own_has_no_original() -> None:
    text = "A [MASK]."
    own = InspectedToken(103, "[MASK]", (2, 8), True, "dog", None, None, (TokenCandidate("dog", 0.5),))
    html = page(inspection(text, tokens=(own,)), text)
    card = Reading(html, ("id", "m1")).text
    assert "there is no original" in card
    assert "dog" in card
    assert "original</span>" not in html
    assert "besides, 1 of the text’s own" in html


def test_each_link_leads_somewhere_and_each_heading_names_its_part() -> None:
    text = "War broke out"
    elements = Reading(page(inspection(text, masked=text), text)).elements
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in elements:
        for named in (attributes.get("href", "")[1:], *(attributes.get("aria-labelledby") or "").split()):
            assert not named or named in ids
    assert [tag for tag, _ in elements if re.fullmatch(r"h\d", tag)] == ["h1", "h2", "h2", "h3", "h3", "h3", "h2", "h2"]


def test_the_bytes_of_a_character_are_one_place() -> None:
    tokens = tuple(InspectedToken(5, byte, (1, 2), False, "x", 0.25, 2) for byte in "abcd")
    html = page(inspection(" 😀", tokens=tokens), " 😀")
    assert 'class="s3" title="8.0 bits, 0.4 %">😀</span>' in html


def test_each_end_of_a_line_is_one_whichever_characters_are_tokens() -> None:
    text = "a\r\nb\rc\n\r\n"
    each = [(at, at + 1) for at in range(len(text))]
    for spans in (each, each[::2], each[1::2], []):
        tokens = tuple(InspectedToken(5, "x", span, False, "x", 0.5, 1) for span in spans)
        assert Reading(page(inspection(text, tokens=tokens), text)).text == "a\nb\nc\n\n"


def test_an_empty_text() -> None:
    html = page(inspection(), "")
    assert "The text is empty." in html
    assert "No token was masked." in html
    assert Reading(html).open == []
    assert "table of all tokens" in html


@pytest.mark.parametrize("text", ["word and " * 111_111, "x" * 1_000_000, "\n" * 1_000_000, "<&\x00> " * 200_000])
def test_a_megabyte_is_shown_in_part(text: str) -> None:
    html = page(inspection(text, masked="word x"), text)
    assert len(html) < 3_000_000
    assert "Only the first part of the text is shown" in html
    reading = Reading(html)
    assert reading.open == []
    assert shown(text).startswith(reading.text)
    assert len(reading.text) >= 20_000


def test_every_mask_of_a_long_text() -> None:
    text = "word " * 5_000
    html = page(inspection(text, masked="word"), text)
    assert len(html) < 4_000_000
    assert "Only the first 500 of 5,000 masked tokens are shown." in html
    assert "The first 50 of 5,000 masked tokens." in markdown(inspection(text, masked="word"), text)


def test_markdown_is_a_list_and_a_table() -> None:
    text = "War|broke *out*"
    lines = markdown(inspection(text, masked="*out*"), text).splitlines()
    assert lines[0] == "- **Model**: tiny (2 layers, 8 wide)"
    assert lines[-3] == "| | masked | probability | rank | best predictions |"
    assert lines[-1].startswith(r"| 1 | \*out\* | 25.0 % | 1,234 | guess1 10.0 %, guess2 5.0 %, ")
    assert "|" not in markdown(inspection("War"), "War")


def test_escaped_text_is_one_line_and_no_more_than_needs_be() -> None:
    assert escape_markdown("a\n# b\t<i>") == r"a # b \<i\>"
    plain = "Mask 1 of 2. Model: bert-base, 13.2 bits (A & B)!"
    assert escape_markdown(plain) == plain


@settings(deadline=None)
@given(st.text("\\`*_<>[]()|~$#+=-.!1&;:/@ w.html", max_size=20))
def test_escaped_text_is_shown_as_it_is(text: str) -> None:
    shown = " ".join(text.split())
    assert unescape(MARKDOWN.render(escape_markdown(text))) == (f"<p>{shown}</p>\n" if shown else "")


def test_surprisal_is_in_bits() -> None:
    token = InspectedToken(5, "a", (0, 1), False, "a", 0.125, 3)
    assert token.surprisal == 3
    assert replace(token, probability=1.0).surprisal == 0
    assert replace(token, probability=0.0).surprisal == float("inf")
    assert replace(token, probability=None).surprisal is None


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_the_colours_can_be_told_apart(scheme: int) -> None:
    colours = dict(re.findall(r"--(\w+): (#\w{6});", re.findall(r":root \{(.*?)\}", _STYLE, re.DOTALL)[scheme]))
    grounds = [colours[f"s{level}"] for level in range(5)]
    for ground in (*grounds, colours["paper"], colours["panel"]):
        assert contrast(colours["ink"], ground) >= 4.5
    for ground in (colours["paper"], colours["panel"]):
        assert contrast(colours["quiet"], ground) >= 4.5
        assert contrast(colours["accent"], ground) >= 4.5
    for ground in grounds[1:]:
        assert contrast(colours["rule"], ground) >= 3
    # Also in grey: each level is further from the paper than the one before.
    steps = [abs(log2((luminance(ground) + 0.05) / (luminance(colours["paper"]) + 0.05))) for ground in grounds]
    assert steps == sorted(set(steps))
