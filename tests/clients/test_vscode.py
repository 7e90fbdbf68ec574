"""Use the VS Code extension in documents: completion, hints, hovers, actions, commands and reports."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from clients.editors import PARIS, wait_until
from clients.vscode import Window

pytestmark = [pytest.mark.clients, pytest.mark.timeout(300)]


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
def test_accepted_suggestion_replaces_the_mask_in_one_undo_step(window: Window, name: str, before: str) -> None:
    file = window.open(name, before)
    window.type(PARIS)
    word = window.suggestions()[1].split(",")[0]
    window.press("ArrowDown", "Enter")
    window.save(file, f"{before}Paris is the capital of {word}")
    window.press("Control+z")
    window.save(file, f"{before}{PARIS}")


def test_suggestions_show_probabilities(window: Window, screenshots: Path) -> None:
    window.open("tea.md", "# Five o'clock\n\nShe knocked, and he opened the [MASK].\n\n")
    window.type("The kettle is on. Would you like a cup of [MASK]")
    assert all("%" in word for word in window.suggestions())
    window.screenshot("completion", screenshots, (300, 30, 700, 335))


def test_letters_after_the_mask_filter_the_suggestions(window: Window) -> None:
    file = window.open("letters.txt")
    window.type("The sky is [MASK]")
    window.suggestions()
    window.type("bl")

    def filtered() -> list[str]:
        words = window.suggestions(None)
        return words if all(word.startswith("bl") for word in words) else []

    word = wait_until(filtered, "words that start with bl")[0].split(",")[0]
    window.press("Enter")
    window.save(file, f"The sky is {word}")


def test_opening_bracket_in_prose_suggests_a_mask_and_then_its_words(window: Window) -> None:
    file = window.open("bracket.md")
    window.type("The sky is [")
    window.suggest_rows.filter(has_text="Blank: suggest a word here").wait_for()
    window.press("Enter")
    word = window.suggestions()[0].split()[0].rstrip(",")
    window.press("Enter")
    window.save(file, f"The sky is {word}")


@pytest.mark.parametrize("letters", ["", "hos"])
def test_words_without_a_mask_are_suggested_when_asked(window: Window, screenshots: Path, letters: str) -> None:
    file = window.open("gap.txt")
    window.type(f"The patient was taken to the {letters} by ambulance.")
    window.press(*["ArrowLeft"] * len(" by ambulance."))
    window.press("Control+Space")
    window.suggest_rows.filter(has_text="hospital").first.wait_for()
    assert window.suggestions(None)[0].startswith("hospital")
    window.screenshot("without-mask", screenshots, (300, 30, 700, 335))
    window.press("Enter")
    window.save(file, "The patient was taken to the hospital by ambulance.")


def test_opening_bracket_in_code_suggests_nothing(window: Window) -> None:
    file = window.open("code.py")
    window.type("names = [")
    window.press("Enter")
    window.type("1")
    window.save(file, "names = [\n    1\n]")


def test_hover_shows_the_prediction(window: Window, screenshots: Path) -> None:
    window.open("hover.md", "# Five o'clock\n\nShe knocked, and he opened the [MASK].\n")
    hover = window.page.locator(".monaco-hover:not(.hidden)", has_text="%")
    window.hover_until_visible("MASK", hover)
    rows = hover.locator("tbody tr").all_text_contents()
    assert len(rows) == 5
    assert all("%" in row for row in rows)
    window.screenshot("hover", screenshots, (300, 30, 700, 360))


def test_hint_shows_the_best_word_and_a_double_click_accepts_it(window: Window) -> None:
    file = window.open("hints.txt", f"{PARIS}. She opened the [MASK] and let the cat in.\n")
    wait_until(lambda: window.visible_text().count("%") == 2, "two hints")
    [word] = re.findall(r"of \[MASK\](\w+)", window.visible_text())
    window.click_at("%", times=2)
    window.save(file, f"Paris is the capital of {word}. She opened the [MASK] and let the cat in.\n")


def test_mask_is_highlighted(window: Window) -> None:
    window.open("color.txt", "The sky is [MASK].\n")
    mask = window.editor.locator("span > span", has_text="MASK").first
    text = window.editor.locator("span > span", has_text="sky").first
    color = "element => getComputedStyle(element).color"
    wait_until(lambda: mask.evaluate(color) != text.evaluate(color), "the mask's color")


def test_code_action_fills_the_mask(window: Window, screenshots: Path) -> None:
    text = "She knocked, and he opened the [MASK].\nThe kettle is on. Would you like a cup of [MASK]?\n"
    file = window.open("actions.txt", text)
    window.click_at("MASK")
    actions = window.page.locator(".action-widget .monaco-list-row")
    window.press_until_visible("Control+.", actions.filter(has_text="Fill all 2 blanks of the document"))
    window.screenshot("actions", screenshots, (300, 30, 700, 270))
    word = re.findall(r"“(.*)”", " ".join(actions.all_text_contents()))[0].split("”")[0]
    window.press("Enter")
    window.save(file, text.replace("[MASK]", word, 1))
    window.press("Control+z")
    window.save(file, text)


def test_word_that_is_replaced_with_a_blank_gets_suggestions(window: Window) -> None:
    text = "She opened the door and let the cat in.\n"
    file = window.open("blank.txt", text)
    window.click_at("door")
    actions = window.page.locator(".action-widget .monaco-list-row")
    blank = actions.filter(has_text="Replace “door” with a blank")
    window.press_until_visible("Control+.", blank)
    blank.click()
    word = window.suggestions()[0].split()[0].rstrip(",")
    window.press("Enter")
    window.save(file, text.replace("door", word))


def test_code_action_lists_other_words_for_a_word(window: Window, screenshots: Path) -> None:
    text = "She opened the door and let the cat in.\n"
    file = window.open("other.txt", text)
    window.click_at("door")
    actions = window.page.locator(".action-widget .monaco-list-row")
    suggest = actions.filter(has_text="Suggest other words for “door”")
    window.press_until_visible("Control+.", suggest)
    window.screenshot("word-actions", screenshots, (300, 30, 700, 330))
    suggest.click()
    word = window.suggestions()[0].split()[0].rstrip(",")
    window.screenshot("other-words", screenshots, (300, 30, 700, 330))
    window.press("Enter")
    window.save(file, text.replace("door", word))


def test_missing_word_is_underlined_and_inserted(window: Window, screenshots: Path) -> None:
    text = "Our neighbours called, and the patient was taken the hospital by ambulance.\n"
    with window.user_settings({"fillmask.diagnostics.enabled": True}):
        file = window.open("missing.txt", text)
        window.page.locator(".squiggly-info").first.wait_for(timeout=60_000)
        window.click_at("taken")
        insert = window.page.locator(".action-widget .monaco-list-row").filter(has_text="Insert “to”")
        window.press_until_visible("Control+.", insert)
        window.screenshot("missing-word", screenshots, (300, 30, 700, 330))
        insert.click()
        window.save(file, text.replace("taken the", "taken to the"))


def test_mistyped_word_is_underlined_and_the_meant_one_offered_first(window: Window, screenshots: Path) -> None:
    text = "We went to the beech every day and swam in the sea.\n"
    with window.user_settings({"fillmask.diagnostics.enabled": True}):
        file = window.open("mistyped.txt", text)
        window.page.locator(".squiggly-info").first.wait_for(timeout=60_000)
        window.click_at("beech")
        replace = window.page.locator(".action-widget .monaco-list-row").filter(has_text="Replace with “")
        window.press_until_visible("Control+.", replace.first)
        window.screenshot("mistyped-word", screenshots, (300, 30, 700, 330))
        replace.first.click()
        window.save(file, text.replace("beech", "beach"))


def test_ghost_text_is_accepted_in_one_undo_step(window: Window, screenshots: Path) -> None:
    before = "She opened the [MASK] and looked out.\n\n"
    file = window.open("ghost.txt", before)
    window.type("The kettle is on. Would you like a cup of [MASK]")
    window.suggestions()
    window.press("Escape")
    ghost = window.editor.locator("[class*=ghost-text-decoration]")
    ghost.first.wait_for()
    word = ghost.first.text_content()
    # The hint at the cursor is hidden, because it would repeat the ghost text.
    wait_until(lambda: window.visible_text().count("%") == 1, "one hint")
    window.screenshot("ghost", screenshots, (300, 30, 700, 130))
    window.press("Tab")
    wait_until(lambda: window.visible_text().count("[MASK]") == 1, "the accepted word")
    window.save(file, f"{before}The kettle is on. Would you like a cup of {word}")
    window.press("Control+z")
    window.save(file, f"{before}The kettle is on. Would you like a cup of [MASK]")


def test_hint_returns_when_the_ghost_text_disappears(window: Window) -> None:
    window.open("back.txt")
    window.type(PARIS)
    window.suggestions()
    window.press("Escape")
    window.editor.locator("[class*=ghost-text-decoration]").first.wait_for()
    wait_until(lambda: "%" not in window.visible_text(), "no hints")
    window.press("ArrowLeft")
    wait_until(lambda: "%" in window.visible_text(), "the hint")


def test_fill_all_is_one_undo_step(window: Window) -> None:
    text = "😀 The [MASK] is blue.\r\nShe opened the [MASK] and looked out.\r\n\r\nParis is the capital of [MASK].\r\n"
    file = window.open("all.txt", text)
    window.run("fillmask: Fill All Blanks in the Selection or Document")
    wait_until(lambda: "[MASK]" not in window.visible_text(), "all masks filled")
    window.press("Control+s")
    wait_until(lambda: b"[MASK]" not in file.read_bytes(), "the saved file")
    assert re.fullmatch(
        r"😀 The \w+ is blue.\r\nShe opened the \w+ and looked out.\r\n\r\nParis is the capital of \w+.\r\n",
        file.read_bytes().decode(),
    )
    window.press("Control+z")
    window.save(file, text)


def test_fill_all_fills_only_the_selection(window: Window) -> None:
    file = window.open("part.txt", "The [MASK] is blue.\n\nThe [MASK] is deep.\n", go_to="Control+Home")
    window.press("Shift+End")
    window.run("fillmask: Fill All Blanks in the Selection or Document")
    wait_until(lambda: window.visible_text().count("[MASK]") == 1, "one mask left")
    window.press("Control+s")
    wait_until(lambda: file.read_text().count("[MASK]") == 1, "the saved file")
    assert file.read_text().endswith("\n\nThe [MASK] is deep.\n")


def test_fill_command_fills_the_mask_at_the_cursor(window: Window) -> None:
    window.open("one.txt", "The [MASK] is blue.\n\nThe sea is [MASK].\n")
    window.run("fillmask: Fill the Blank at the Cursor")
    window.dismiss_notification("No [MASK] at the cursor. Put the cursor on one first.")
    window.click_at("MASK")
    window.run("fillmask: Fill the Blank at the Cursor")
    wait_until(lambda: window.visible_text().count("[MASK]") == 1, "one mask left")


def test_masked_words_are_restored(window: Window) -> None:
    text = "The quick brown fox jumps over the lazy dog, and the sun was shining on the sea.\n"
    file = window.open("random.txt", text)
    window.run("fillmask: Replace Random Words with Blanks…")
    box = window.input_box("Replace random words in the document with blanks")
    assert box.input_value() == "15 %"
    box.fill("0")
    error = window.page.locator(".quick-input-message", has_text="Enter a rate")
    error.wait_for()
    box.fill("40 %")
    error.wait_for(state="hidden")  # until then, Enter is refused
    window.press("Enter")
    wait_until(lambda: window.visible_text().count("[MASK]") > 2, "masks")
    window.run("fillmask: Restore Words in Blanks")
    wait_until(lambda: "[MASK]" not in window.visible_text(), "the restored words")
    window.save(file, text)


@pytest.mark.parametrize("theme", ["Default Dark Modern", "Default High Contrast Light"])
def test_inspection_page_runs_no_scripts(window: Window, screenshots: Path, theme: str) -> None:
    with window.user_settings({"workbench.colorTheme": theme}):
        window.open(
            f"fox-{theme.split()[-1]}.txt", "The quick brown fox jumps over the lazy dog.\n\nThe sky is [MASK].\n"
        )
        window.run("fillmask: Show What the Model Predicts (Inspect)")
        page = window.webview("What the model")
        assert page.evaluate("document.scripts.length") == 0
        policy = page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content") or ""
        assert policy.startswith("default-src 'none'")
        assert "script" not in policy
        assert "unsafe" not in policy
        luminance = "getComputedStyle(document.querySelector('.fillmask-inspection')).backgroundColor.match(/[0-9]+/g).reduce((a, b) => a + +b, 0)"
        assert (page.evaluate(luminance) > 384) == ("Light" in theme)
        page.locator("a", has_text="Masked tokens").focus()
        window.press("Enter")
        wait_until(
            lambda: page.locator("section[id$=-masked]").evaluate(
                "part => part.getBoundingClientRect().top < innerHeight"
            ),
            "the linked part is visible",
        )
        window.screenshot(f"report-{theme.split()[1].lower()}", screenshots, (303, 0, 697, 607))


def test_score_page_runs_no_scripts(window: Window, screenshots: Path) -> None:
    window.open("score.txt", "Paris is the capital of <b>France</b>.\n")
    window.run("fillmask: Show How Expected Each Word Is (Score)")
    page = window.webview("How likely")
    assert page.evaluate("document.scripts.length") == 0
    assert page.locator("tbody th").all_text_contents()[:3] == ["Paris", "is", "the"]
    assert page.locator("tbody svg").first.evaluate("bar => bar.getBoundingClientRect().width") > 50
    window.screenshot("score", screenshots)


def test_completion_in_a_notebook_cell(window: Window) -> None:
    cells = [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": []}]
    content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    window.open_any("notes.ipynb", json.dumps(content))
    cell = window.page.locator(".notebookOverlay .monaco-editor.focused")

    def is_editing() -> bool:
        window.press("Enter")
        return cell.count() > 0

    wait_until(is_editing, "the cell's editor")
    window.type(PARIS)
    window.suggestions()
