"""The page of an inspection in Chromium, through Playwright."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import notebook
from clients.editors import wait_until
from fillmask_ls import mlm
from fillmask_ls.presentation.html import inspection_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.clients

TEXT = (
    f"{notebook.PARAGRAPH}\n\n\tTabs,   spaces & <script>alert('x')</script><img src=http://localhost/x onerror=alert(1)>\n"
    "مرحبا بالعالم [MASK] 👩‍👩‍👧 \x1b[31m\x00 The quick brown fox jumps over the lazy dog.\n"
)

CONTRASTS = """() => {
  const channel = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const channels = color => color.match(/[\\d.]+/g).map(Number);
  const background = element => {
    for (; element; element = element.parentElement) {
      const color = channels(getComputedStyle(element).backgroundColor);
      if (color[3] !== 0) return color;
    }
    return [255, 255, 255];
  };
  const contrasts = {};
  for (const element of document.querySelectorAll('body :not(title, desc)')) {
    if (![...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())) continue;
    const style = getComputedStyle(element);
    const foreground = channels(element.closest('svg') ? style.fill : style.color);
    const [high, low] = [luminance(foreground), luminance(background(element))].sort((a, b) => b - a);
    contrasts[`${element.tagName} ${element.className} ${foreground} on ${background(element)}`] = (high + 0.05) / (low + 0.05);
  }
  return contrasts;
}"""


@pytest.fixture(scope="module")
def file(model: mlm.MaskedLM, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(inspection_page(mlm.inspect(model, TEXT, seed=3), TEXT), encoding="utf-8")
    return file


def open_page(browser: Browser, file: Path, **settings: Any) -> tuple[Page, list[str], list[str]]:
    """Open the page; return it with the URLs that it requests and the messages that it logs."""
    page = browser.new_context(**settings).new_page()
    requested: list[str] = []
    messages: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("dialog", lambda dialog: messages.append(dialog.message))
    page.goto(file.as_uri())
    return page, requested, messages


def focused_element(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id || document.activeElement.textContent"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_requests_nothing_and_logs_no_error(browser: Browser, file: Path, scheme: Any) -> None:
    page, requested, messages = open_page(browser, file, color_scheme=scheme)
    page.locator("summary").click()
    page.wait_for_load_state("networkidle")
    assert requested == [file.as_uri()]
    assert messages == []
    assert page.evaluate("document.compatMode") == "CSS1Compat"


def test_policy_blocks_injected_images_scripts_and_styles(browser: Browser, file: Path) -> None:
    page, _, messages = open_page(browser, file)
    failed: list[str | None] = []
    page.on("requestfailed", lambda request: failed.append(request.failure))
    page.evaluate("""() => {
      document.body.append(Object.assign(new Image(), {src: 'http://localhost:9/x'}));
      document.body.append(Object.assign(document.createElement('script'), {textContent: 'document.title = "run"'}));
      document.body.append(Object.assign(document.createElement('style'), {textContent: 'body {display: none}'}));
    }""")
    # Reading the title also lets Playwright deliver its events.
    wait_until(lambda: page.title() and failed and len(messages) >= 3, "three blocked elements")
    assert failed == ["csp"]
    assert len(messages) == 3
    assert all("Content Security Policy" in message for message in messages)
    assert page.title() != "run"
    assert page.locator("h1").is_visible()


def test_text_is_shown_exactly(browser: Browser, file: Path) -> None:
    page, _, _ = open_page(browser, file)
    assert page.locator(".fillmask-text").text_content() == TEXT.replace("\x1b", "␛").replace("\x00", "␀")
    assert page.locator(".fillmask-text").evaluate("text => getComputedStyle(text).whiteSpace") in (
        "pre-wrap",
        "preserve",
    )
    assert page.locator(".fillmask-text script, .fillmask-text img").count() == 0


def test_keyboard_reaches_the_predictions_and_returns(browser: Browser, file: Path) -> None:
    page, _, _ = open_page(browser, file)
    reached = []
    while focused_element(page) != page.locator(".fillmask-text a").first.get_attribute("id"):
        page.keyboard.press("Tab")
        reached.append(focused_element(page))
        assert len(reached) < 10
    assert reached[:4] == ["Text", "Masked tokens", "Layers", "All tokens"]
    page.keyboard.press("Enter")
    assert focused_element(page) == "fillmask-mask-1"
    assert page.locator("#fillmask-mask-1").evaluate("card => card.getBoundingClientRect().top < innerHeight")
    page.keyboard.press("Tab")
    assert focused_element(page) == "↑ in the text"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.number") == "2"


def test_tab_moves_focus_from_top_to_bottom(browser: Browser, file: Path) -> None:
    page, _, _ = open_page(browser, file)
    tops = []
    for _ in range(page.locator("a, summary").count()):
        page.keyboard.press("Tab")
        tops.append(page.evaluate("document.activeElement.getBoundingClientRect().bottom + scrollY"))
        style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert style != "none"
    assert focused_element(page).startswith("A table of all tokens")
    page.keyboard.press("Enter")
    assert page.get_by_role("table", name="Each position with its token").is_visible()
    assert all(below > above - 60 for above, below in pairwise(tops))


def test_screen_readers_find_names_and_roles(browser: Browser, file: Path) -> None:
    page, _, _ = open_page(browser, file)
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.get_by_role("img", name="Mean L2 norm of the hidden states").count() == 1
    assert page.get_by_role("region", name="The text, colored by surprisal").count() == 1
    assert page.get_by_role("navigation", name="Parts of this page").count() == 1
    table = page.get_by_role("table", name="Best predictions at").first
    assert table.get_by_role("columnheader").all_text_contents() == ["rank", "token", "probability"]
    assert table.get_by_role("rowheader").count() >= 5
    assert page.get_by_role("article").count() == page.get_by_role("link", name="in the text").count()


@pytest.mark.parametrize("forced", ["none", "active"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_enough_contrast(browser: Browser, file: Path, scheme: Any, forced: Any) -> None:
    page, _, _ = open_page(browser, file, color_scheme=scheme, forced_colors=forced)
    page.locator("summary").click()
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 10
    assert {what: contrast for what, contrast in contrasts.items() if contrast < 4.5} == {}


def test_light_and_dark_fit_a_narrow_window(browser: Browser, file: Path) -> None:
    pictures = set()
    for scheme in ("light", "dark"):
        page, _, _ = open_page(browser, file, color_scheme=scheme, viewport={"width": 320, "height": 800})
        pictures.add(page.screenshot())
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        assert page.evaluate("[...document.querySelectorAll('article')].every(a => a.scrollWidth <= a.clientWidth)")
    assert len(pictures) == 2
