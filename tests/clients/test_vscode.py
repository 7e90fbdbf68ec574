"""The extension in VS Code as a person uses it in a text: ``pytest -n 0 -m clients``, where ``install_vscode.sh`` was run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from clients.editors import wait
from clients.vscode import PARIS, Window

pytestmark = pytest.mark.clients


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("notes.txt", "Of cities.\n\n"),
        ("notes.md", "# Cities\n\nSome *emphasis*.\n\n"),
        ("module.py", "x = [1]\n\n# "),
        ("emoji.txt", "👩‍👩‍👧 😀 "),
        ("windows.txt", "Of cities.\r\n\r\n"),
    ],
)
def test_typing_a_mask_brings_words_and_enter_takes_one(window: Window, name: str, before: str) -> None:
    file = window.open(name, before)
    window.type(PARIS)
    offered = window.words()
    assert len(offered) == 10
    word = offered[1].split(",")[0]
    window.press("ArrowDown", "Enter")
    window.saved(file, f"{before}Paris is the capital of {word}")
    window.press("Control+z")
    window.saved(file, f"{before}{PARIS}")


def test_the_popup_is_as_in_the_picture(window: Window, pictures: Path) -> None:
    window.open("tea.md", "# Five o'clock\n\nShe knocked, and he opened the [MASK].\n\n")
    window.type("The kettle is on. Would you like a cup of [MASK]")
    assert any("%" in word for word in window.words())
    window.picture("completion", pictures, (300, 30, 700, 335))


def test_letters_behind_the_mask_narrow_the_words(window: Window) -> None:
    file = window.open("letters.txt")
    window.type("The sky is [MASK]")
    window.words()
    window.type("bl")
    wait(lambda: window.popup.count() and all(word.startswith("bl") for word in window.words()), "words with bl")
    word = window.words()[0].split(",")[0]
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
    window.open("hover.md", "# Five o'clock\n\nShe knocked, and he opened the [MASK].\n")
    window.point_at("MASK")
    hover = window.page.locator(".monaco-hover:not(.hidden)", has_text="%")
    hover.wait_for()
    rows = hover.locator("tbody tr").all_text_contents()
    assert len(rows) == 5
    assert all("%" in row for row in rows)
    window.picture("hover", pictures, (300, 30, 700, 360))


def test_a_mask_that_is_left_has_its_best_word_behind_it_and_a_double_click_takes_it(window: Window) -> None:
    file = window.open("hints.txt", f"{PARIS}. The sky is [MASK].\n")
    wait(lambda: window.shown().count("%") == 2, "two hints")
    [word] = re.findall(r"of \[MASK\](\w+)", window.shown())
    window.click_at("%", times=2)
    window.saved(file, f"Paris is the capital of {word}. The sky is [MASK].\n")


def test_a_mask_has_a_colour_of_its_own(window: Window) -> None:
    window.open("colour.txt", "The sky is [MASK].\n")
    mask = window.editor.locator("span > span", has_text="MASK").first
    text = window.editor.locator("span > span", has_text="sky").first
    colour = "element => getComputedStyle(element).color"
    wait(lambda: mask.evaluate(colour) != text.evaluate(colour), "the colour")


def test_a_code_action_fills_the_mask(window: Window, pictures: Path) -> None:
    text = "She knocked, and he opened the [MASK].\nThe kettle is on. Would you like a cup of [MASK]?\n"
    file = window.open("actions.txt", text)
    window.click_at("MASK")
    # Until the editor's own question about the new place is answered, it forgets one that is asked by keys.
    window.page.locator("[class*=lightbulb]").first.wait_for()
    window.press("Control+.")
    actions = window.page.locator(".action-widget .monaco-list-row")
    actions.filter(has_text="Fill all 2 masks of the document").wait_for()
    window.picture("actions", pictures, (300, 30, 700, 270))
    word = re.findall(r"“(.*)”", " ".join(actions.all_text_contents()))[0].split("”")[0]
    window.press("Enter")
    window.saved(file, text.replace("[MASK]", word, 1))
    window.press("Control+z")
    window.saved(file, text)


def test_ghost_text_is_taken_by_tab_and_undone_in_one_step(window: Window, pictures: Path) -> None:
    before = "She opened the [MASK] and looked out.\n\n"
    file = window.open("ghost.txt", before)
    window.type("The kettle is on. Would you like a cup of [MASK]")
    window.words()
    window.press("Escape")
    ghost = window.editor.locator("[class*=ghost-text-decoration]")
    ghost.first.wait_for()
    word = ghost.first.text_content()
    # The hint at the same place would say the same.
    wait(lambda: window.shown().count("%") == 1, "one hint")
    window.picture("ghost", pictures, (300, 30, 700, 130))
    window.press("Tab")
    wait(lambda: window.shown().count("[MASK]") == 1, "the word")
    window.saved(file, f"{before}The kettle is on. Would you like a cup of {word}")
    window.press("Control+z")
    window.saved(file, f"{before}The kettle is on. Would you like a cup of [MASK]")


def test_a_hint_comes_back_when_the_ghost_text_goes(window: Window) -> None:
    window.open("back.txt")
    window.type(PARIS)
    window.words()
    window.press("Escape")
    window.editor.locator("[class*=ghost-text-decoration]").first.wait_for()
    wait(lambda: "%" not in window.shown(), "no hint")
    window.press("ArrowLeft")
    wait(lambda: "%" in window.shown(), "the hint")


def test_fill_all_is_one_step_to_undo(window: Window) -> None:
    text = "😀 The [MASK] is blue.\r\nShe opened the [MASK] and looked out.\r\n\r\nParis is the capital of [MASK].\r\n"
    file = window.open("all.txt", text)
    window.run("fillmask: Fill All Masks of the Selection or Document")
    wait(lambda: "[MASK]" not in window.shown(), "the words")
    window.press("Control+s")
    wait(lambda: b"[MASK]" not in file.read_bytes(), "the file")
    assert re.fullmatch(
        r"😀 The \w+ is blue.\r\nShe opened the \w+ and looked out.\r\n\r\nParis is the capital of \w+.\r\n",
        file.read_bytes().decode(),
    )
    window.press("Control+z")
    window.saved(file, text)


def test_fill_all_fills_the_selection_only(window: Window) -> None:
    file = window.open("part.txt", "The [MASK] is blue.\n\nThe [MASK] is deep.\n", at="Control+Home")
    window.press("Shift+End")
    window.run("fillmask: Fill All Masks of the Selection or Document")
    wait(lambda: window.shown().count("[MASK]") == 1, "one mask")
    window.press("Control+s")
    wait(lambda: file.read_text().count("[MASK]") == 1, "the file")
    assert file.read_text().endswith("\n\nThe [MASK] is deep.\n")


def test_the_mask_at_the_cursor_is_filled(window: Window) -> None:
    window.open("one.txt", "The [MASK] is blue.\n\nThe sea is [MASK].\n")
    window.run("fillmask: Fill the Mask at the Cursor")
    window.toast("Put the cursor on a [MASK] first.")
    window.click_at("MASK")
    window.run("fillmask: Fill the Mask at the Cursor")
    wait(lambda: window.shown().count("[MASK]") == 1, "one mask")


def test_words_are_hidden_at_random_and_put_back(window: Window) -> None:
    text = "The quick brown fox jumps over the lazy dog, and the sun was shining on the sea.\n"
    file = window.open("random.txt", text)
    window.run("fillmask: Mask Words of the Selection or Document at Random…")
    box = window.asked("Mask words of the document at random")
    assert box.input_value() == "15 %"
    box.fill("0")
    window.page.locator(".quick-input-message", has_text="A share of the words").wait_for()
    box.fill("40 %")
    window.press("Enter")
    wait(lambda: window.shown().count("[MASK]") > 2, "masks")
    window.run("fillmask: Put Back the Words That Masks Hide")
    wait(lambda: "[MASK]" not in window.shown(), "the words")
    window.saved(file, text)


@pytest.mark.parametrize("theme", ["Default Dark Modern", "Default High Contrast Light"])
def test_an_inspection_is_a_page_that_runs_nothing(window: Window, pictures: Path, theme: str) -> None:
    with window.user_settings({"workbench.colorTheme": theme}):
        window.open(
            f"fox-{theme.split()[-1]}.txt", "The quick brown fox jumps over the lazy dog.\n\nThe sky is [MASK].\n"
        )
        window.run("fillmask: Inspect the Selection or Document")
        page = window.webview("What the model")
        assert page.evaluate("document.scripts.length") == 0
        policy = page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content") or ""
        assert policy.startswith("default-src 'none'")
        assert "script" not in policy
        assert "unsafe" not in policy
        luminance = "getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).reduce((a, b) => a + +b, 0)"
        assert (page.evaluate(luminance) > 384) == ("Light" in theme)
        page.locator("a", has_text="Masked tokens").focus()
        window.press("Enter")
        wait(
            lambda: page.locator("#masked").evaluate("part => part.getBoundingClientRect().top < innerHeight"),
            "the jump",
        )
        window.picture(f"report-{theme.split()[1].lower()}", pictures, (303, 0, 697, 607))


def test_a_score_is_a_page_that_runs_nothing(window: Window, pictures: Path) -> None:
    window.open("score.txt", "Paris is the capital of <b>France</b>.\n")
    window.run("fillmask: Score the Selection or Document")
    page = window.webview("How likely")
    assert page.evaluate("document.scripts.length") == 0
    assert page.locator("tbody th").all_text_contents()[:3] == ["Paris", "is", "the"]
    assert page.locator("tbody svg").first.evaluate("bar => bar.getBoundingClientRect().width") > 50
    window.picture("score", pictures)


def test_masks_in_a_cell_of_a_notebook(window: Window) -> None:
    cells = [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": []}]
    content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    window.show("notes.ipynb", json.dumps(content))
    cell = window.page.locator(".notebookOverlay .monaco-editor.focused")
    while not cell.count():
        window.press("Enter")
        window.page.wait_for_timeout(200)
    window.type(PARIS)
    assert len(window.words()) == 10
