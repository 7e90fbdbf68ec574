"""The HTML of an inspection."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from math import log2
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillmask_ls import presentation
from fillmask_ls.mlm.results import InspectedToken, TokenCandidate
from fillmask_ls.presentation.html import inspection_fragment, inspection_page
from presentation.inspections import EVIL, any_text, make_inspection, shown

VOID_ELEMENTS = {"meta", "rect"}
STYLE = (Path(presentation.__file__).parent / "templates/inspection.css").read_text(encoding="utf-8")


class ParsedPage(HTMLParser):
    """Parses a page as a browser does.

    Attributes:
        elements: all elements with their attributes.
        open: the elements that are not closed.
        text: the text inside the element that has the attribute ``inside``.
    """

    def __init__(self, html: str, inside: tuple[str, str] = ("class", "fillmask-text")) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._inside, self._depth = inside, 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag in VOID_ELEMENTS:
            return
        self.open.append(tag)
        if not self._depth and self._inside in attributes:
            self._depth = len(self.open)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if len(self.open) < self._depth:
            self._depth = 0

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.text += data


def card_text(html: str, number: int) -> str:
    return ParsedPage(html, ("id", f"fillmask-mask-{number}")).text


@given(any_text, st.data())
@settings(deadline=None)
def test_any_text_is_shown_exactly_and_adds_no_element(text: str, data: st.DataObject) -> None:
    spans = data.draw(
        st.lists(st.tuples(st.integers(0, len(text)), st.integers(0, len(text) + 3)).map(sorted).map(tuple), max_size=6)
    )
    tokens = tuple(
        InspectedToken(5, text[start:end] or "▁", (start, end), data.draw(st.booleans()), text[:9], 0.5, 1)
        for start, end in sorted(spans)
    )
    inspection = make_inspection(text, tokens=tokens, model=text)
    html = inspection_page(inspection, text)
    html.encode()
    page = ParsedPage(html)
    assert page.open == []
    assert page.text == shown(text)
    harmless = ParsedPage(inspection_page(replace(inspection, model=""), "." * len(text)))
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in harmless.elements} | {"p", "div"}


def test_page_loads_nothing_and_runs_nothing() -> None:
    html = inspection_page(make_inspection(EVIL, masked=EVIL), EVIL)
    page = ParsedPage(html)
    assert not {"script", "link", "img", "iframe", "object", "form", "base"} & {tag for tag, _ in page.elements}
    for _, attributes in page.elements:
        assert not any(name.startswith("on") or name in ("src", "style") for name in attributes)
        assert (attributes.get("href") or "#").startswith("#")
    [policy] = [a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not re.search(r"url\(|@import|https?:|//", html.replace(shown(EVIL), ""))


def test_page_has_all_figures() -> None:
    text = "War broke out in April"
    html = inspection_page(make_inspection(text, masked="broke April"), text)
    for figure in ("tiny", "2 layers, 8 wide", "at rate 0.15 with seed 7", "1.5000 nats", "2.2500 nats", "4.48"):
        assert figure in html
    assert ParsedPage(html, ("id", "fillmask-norms-values")).text == "embeddings 9.5; layer 1 11.2; layer 2 2.0"
    assert "0 of 2" in html
    assert 'title="2.0 bits, 25.0 %"' in html
    assert "<title>War broke out in April – fillmask-ls inspect</title>" in html
    assert '<html lang="en">' in html


def test_card_marks_the_original_among_the_predictions_or_adds_it_below() -> None:
    inspection = make_inspection("War", masked="War")
    card = card_text(inspection_page(inspection, "War"), 1)
    assert re.search(r"5\s*guess5\s*2\.0 %\s*1,234\s*War ← original\s*25\.0 %", card)
    [war] = [token for token in inspection.tokens if token.masked]
    predicted = replace(war, predictions=(*war.predictions[:2], TokenCandidate("War", 0.05)), rank=3)
    card = card_text(inspection_page(replace(inspection, tokens=(predicted,)), "War"), 1)
    assert re.search(r"3\s*War ← original\s*5\.0 %\s*$", card)
    assert "rank 3" in card
    assert card.count("original") == 1


def test_card_of_a_mask_in_the_text_itself_has_no_original() -> None:
    text = "A [MASK]."
    mask = InspectedToken(103, "[MASK]", (2, 8), True, "dog", None, None, (TokenCandidate("dog", 0.5),))
    html = inspection_page(make_inspection(text, tokens=(mask,)), text)
    card = card_text(html, 1)
    assert "there is no original" in card
    assert "dog" in card
    assert "original</span>" not in html
    assert "1 more in the text itself" in html


@pytest.mark.parametrize("render", [inspection_page, inspection_fragment])
def test_links_and_labels_lead_to_unique_ids(render: type) -> None:
    text = "War broke out"
    elements = ParsedPage(render(make_inspection(text, masked=text), text)).elements
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in elements:
        for target in ((attributes.get("href") or "")[1:], *(attributes.get("aria-labelledby") or "").split()):
            assert not target or target in ids
    assert [tag for tag, _ in elements if re.fullmatch(r"h\d", tag)] == ["h1", "h2", "h2", "h3", "h3", "h3", "h2", "h2"]


def test_bytes_of_one_character_are_one_segment() -> None:
    tokens = tuple(InspectedToken(5, byte, (1, 2), False, "x", 0.25, 2) for byte in "abcd")
    html = inspection_page(make_inspection(" 😀", tokens=tokens), " 😀")
    assert '<span class="fillmask-level-3" title="8.0 bits, 0.4 %">😀</span>' in html


def test_every_kind_of_line_end_is_one_line_end() -> None:
    text = "a\r\nb\rc\n\r\n"
    every = [(start, start + 1) for start in range(len(text))]
    for spans in (every, every[::2], every[1::2], []):
        tokens = tuple(InspectedToken(5, "x", span, False, "x", 0.5, 1) for span in spans)
        assert ParsedPage(inspection_page(make_inspection(text, tokens=tokens), text)).text == "a\nb\nc\n\n"


def test_empty_text() -> None:
    html = inspection_page(make_inspection(), "")
    assert "The text is empty." in html
    assert "No token was masked." in html
    assert ParsedPage(html).open == []
    assert "table of all tokens" in html


@pytest.mark.parametrize("text", ["word <&\x00> and " * 12_000, "x" * 200_000, "\n" * 200_000])
def test_page_shows_only_the_beginning_of_a_long_text(text: str) -> None:
    html = inspection_page(make_inspection(text, masked="word x"), text)
    assert len(html) < 3_500_000
    assert "Only the beginning of the text is shown" in html
    page = ParsedPage(html)
    assert page.open == []
    assert shown(text).startswith(page.text)
    assert len(page.text) >= 20_000


def test_page_shows_the_first_500_masked_tokens() -> None:
    text = "word " * 5_000
    html = inspection_page(make_inspection(text, masked="word"), text)
    assert len(html) < 4_000_000
    assert html.count("<article") == 500
    assert "Only the first 500 of 5,000 masked tokens are shown." in html


class TestFragment:
    """The element for a notebook."""

    def test_has_the_content_of_the_page(self) -> None:
        text = "War broke out"
        inspection = make_inspection(text, masked="broke")
        fragment, page = (render(inspection, text) for render in (inspection_fragment, inspection_page))
        assert fragment.startswith("<style>")
        assert not {"html", "head", "body", "main", "meta", "title"} & {
            tag for tag, _ in ParsedPage(re.sub(r"<svg.*?</svg>", "", fragment, flags=re.DOTALL)).elements
        }
        [inside] = re.findall(r'<div class="fillmask-inspection">.*</div>', page, re.DOTALL)
        assert inside in re.sub("fillmask-[0-9a-f]{12}-", "fillmask-", fragment)

    def test_ids_of_two_inspections_differ(self) -> None:
        one, other = (
            set(re.findall(r' id="(.*?)"', inspection_fragment(make_inspection(text, masked="War"), text)))
            for text in ("War broke out", "War ended")
        )
        assert one
        assert not one & other

    def test_any_text_is_shown_exactly(self) -> None:
        assert ParsedPage(inspection_fragment(make_inspection(EVIL), EVIL)).text == shown(EVIL)


class TestStyle:
    """The style sheet."""

    def test_every_rule_is_scoped(self) -> None:
        plain = re.sub(r"/\*.*?\*/|@media[^{]*\{", "", STYLE, flags=re.DOTALL)
        selectors = re.findall(r"([^{}]+)\{[^{}]*\}", plain)
        assert len(selectors) > 50
        for selector in selectors:
            for part in re.sub(r"\([^()]*\)", "", selector).split(","):
                assert ".fillmask-" in part, selector

    def test_every_class_of_the_page_is_scoped_and_has_a_rule(self) -> None:
        text = "War broke [MASK] " + " " * 100_000
        mask = InspectedToken(103, "[MASK]", (10, 16), True, "dog", None, None, (TokenCandidate("dog", 0.5),))
        tokens = (*make_inspection(text, masked="War").tokens, mask)
        elements = ParsedPage(inspection_page(make_inspection(text, tokens=tokens), text)).elements
        classes = {name for _, attributes in elements for name in (attributes.get("class") or "").split()}
        assert len(classes) > 30
        assert {name for name in classes if not name.startswith("fillmask-")} == set()
        assert {name for name in classes if f".{name}" not in STYLE} == set()

    def test_dark_colors_of_system_and_editors_are_the_same(self) -> None:
        colors = re.findall(r"(--paper:.*?)\}", STYLE, re.DOTALL)
        _, of_the_system, of_the_editor = (" ".join(each.split()) for each in colors)
        assert of_the_system == of_the_editor

    @pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
    def test_colors_have_enough_contrast(self, scheme: int) -> None:
        [block] = re.findall(r"(--paper:.*?)\}", STYLE, re.DOTALL)[scheme : scheme + 1]
        colors = dict(re.findall(r"--([\w-]+): (#\w{6});", block))
        levels = [colors[f"level-{level}"] for level in range(5)]
        for background in (*levels, colors["paper"], colors["panel"]):
            assert contrast(colors["ink"], background) >= 4.5
        for background in (colors["paper"], colors["panel"]):
            assert contrast(colors["quiet"], background) >= 4.5
            assert contrast(colors["accent"], background) >= 4.5
        for background in levels[1:]:
            assert contrast(colors["rule"], background) >= 3
        # Without hue, too: each level is further from the paper than the level before.
        steps = [abs(log2((luminance(level) + 0.05) / (luminance(colors["paper"]) + 0.05))) for level in levels]
        assert steps == sorted(set(steps))


def luminance(color: str) -> float:
    channels = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
