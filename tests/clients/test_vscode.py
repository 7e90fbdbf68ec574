"""The extension in VS Code as a person uses it: ``pytest -n 0 -m clients``, where ``install_vscode.sh`` was run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from clients.browser import chromium
from clients.vscode import Window, code_server, wait

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.clients

PARIS = "Paris is the capital of [MASK]"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "pictures"


@pytest.fixture(scope="module")
def shared(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    """A window for most tests."""
    home = tmp_path_factory.mktemp("vscode")
    folder = home / "work"
    folder.mkdir()
    with code_server(home) as address:
        window = Window(browser, address, folder)
        yield window
        window.close()


@pytest.fixture
def window(shared: Window) -> Iterator[Window]:
    """The shared window, with nothing open before and after, and nothing that popped up unasked."""
    yield shared
    shared.tidy()
    assert shared.notifications.all_text_contents() == []


def words(window: Window) -> list[str]:
    """What the popup offers, as it is read out: the word and its probability."""
    offered = window.popup.filter(has_text="%")
    offered.first.wait_for()
    return [row.get_attribute("aria-label") or "" for row in offered.all()]


@pytest.mark.parametrize(
    ("name", "before"),
    [("notes.txt", "Of cities.\n\n"), ("notes.md", "# Cities\n\nSome *emphasis*.\n\n"), ("module.py", "x = [1]\n\n# ")],
)
def test_typing_a_mask_brings_words_and_enter_takes_one(
    window: Window, name: str, before: str, pictures: Path
) -> None:
    file = window.open(name, before)
    window.type(PARIS)
    offered = words(window)
    assert len(offered) == 10
    word = offered[1].split(",")[0]
    window.press("ArrowDown", "Enter")
    window.saved(file, f"{before}Paris is the capital of {word}")
    window.press("Control+z")
    window.saved(file, f"{before}{PARIS}")


def test_letters_behind_the_mask_narrow_the_words(window: Window) -> None:
    file = window.open("letters.txt")
    window.type("The sky is [MASK]")
    words(window)
    window.type("bl")
    wait(lambda: window.popup.count() and all(word.startswith("bl") for word in words(window)), "words with bl")
    word = words(window)[0].split(",")[0]
    window.press("Enter")
    window.saved(file, f"The sky is {word}")


def test_a_bracket_in_prose_offers_the_mask_and_leaves_no_second_one(window: Window) -> None:
    file = window.open("bracket.md")
    window.type("The sky is [")
    window.popup.filter(has_text="a word for the model to find").wait_for()
    window.press("Enter")
    window.saved(file, "The sky is [MASK]")


def test_a_bracket_in_code_offers_nothing(window: Window) -> None:
    file = window.open("code.py")
    window.type("names = [")
    window.press("Enter")
    window.type("1")
    window.saved(file, "names = [\n    1\n]")


def test_hovering_over_a_mask_shows_the_best_words(window: Window, pictures: Path) -> None:
    window.open("hover.md", f"{PARIS}.\n", at="Control+Home")
    window.point_at("MASK")
    hover = window.page.locator(".monaco-hover:not(.hidden)", has_text="%")
    hover.wait_for()
    assert hover.locator("tr").count() >= 5
    window.picture("hover", pictures)


def test_a_mask_that_is_left_has_its_best_word_behind_it(window: Window, pictures: Path) -> None:
    file = window.open("hints.txt", f"{PARIS}. The sky is [MASK] today.\n")
    wait(lambda: window.shown().count("%") == 2, "two hints")
    window.picture("hints", pictures)
    print(window.shown())
    window.page.locator(".view-line span", has_text="%").first.dblclick()
    print(window.shown())
    window.press("Control+s")
    print(file.read_text())


def test_a_code_action_fills_the_mask(window: Window, pictures: Path) -> None:
    file = window.open("actions.txt", f"{PARIS}\n", at="Control+Home")
    window.press("End", "Control+.")
    actions = window.page.locator(".action-widget .monaco-list-row")
    actions.first.wait_for()
    window.picture("actions", pictures)
    print(actions.all_text_contents())
    window.press("Enter")
    wait(lambda: "[MASK]" not in window.shown(), "filled")
    print(window.shown())


def test_ghost_text(window: Window, pictures: Path) -> None:
    file = window.open("ghost.txt")
    window.type(PARIS)
    words(window)
    window.picture("ghost0", pictures)
    window.press("Escape")
    window.page.wait_for_timeout(1000)
    window.picture("ghost1", pictures)
    print(window.page.locator("[class*=ghost-text]").all_text_contents())
    window.run("Trigger Inline Suggestion")
    window.page.wait_for_timeout(1500)
    window.picture("ghost2", pictures)
    print(window.page.locator("[class*=ghost-text]").all_text_contents())
    window.press("Tab")
    window.page.wait_for_timeout(500)
    print(window.shown())


def test_fill_all_and_one_undo(window: Window, pictures: Path) -> None:
    text = "😀 The [MASK] is blue.\r\nShe opened the [MASK] and looked out of the [MASK].\r\n\r\nParis is the capital of [MASK].\r\n"
    file = window.open("all.txt", text)
    window.run("fillmask: Fill All Masks of the Selection or Document")
    wait(lambda: "[MASK]" not in window.shown(), "filled")
    print(window.shown())
    window.press("Control+s")
    window.press("Control+z")
    window.saved(file, text)
