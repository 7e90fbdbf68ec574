"""The extension in VS Code as a person uses it: ``pytest -n 0 -m clients``, where ``install_vscode.sh`` was run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from clients.browser import chromium
from clients.editors import wait
from clients.vscode import Window, code_server
from fillmask_ls import __version__
from fillmask_ls.mlm.checkpoint import EMBEDDED

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from shared_engine import SharedEngine

pytestmark = pytest.mark.clients

ROOT = Path(__file__).parents[2]
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
    with code_server(home) as address:
        window = Window(browser, address, home)
        window.open("first.txt")
        window.status.filter(has_text="embedded").wait_for()
        window.tidy()
        yield window
        window.close()


@pytest.fixture
def window(shared: Window) -> Iterator[Window]:
    """The shared window, with nothing open before and after, and nothing that popped up unasked."""
    yield shared
    shared.tidy()
    # A toast goes by itself after more than five seconds, progress as soon as it is done.
    wait(lambda: shared.notifications.count() == 0, "no notifications", 5)


def words(window: Window) -> list[str]:
    """What the popup offers, as it is read out: the word and its probability."""
    offered = window.popup.filter(has_text="%")
    offered.first.wait_for()
    wait(lambda: offered.count() == (time.sleep(0.1) or offered.count()), "all rows")  # they come one by one
    return [row.get_attribute("aria-label") or "" for row in offered.all()]


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
    offered = words(window)
    assert len(offered) == 10
    word = offered[1].split(",")[0]
    window.press("ArrowDown", "Enter")
    window.saved(file, f"{before}Paris is the capital of {word}")
    window.press("Control+z")
    window.saved(file, f"{before}{PARIS}")


def test_the_popup_is_as_in_the_picture(window: Window, pictures: Path) -> None:
    window.open("tea.md", "# Five o'clock\n\nShe knocked, and he opened the [MASK].\n\n")
    window.type("The kettle is on. Would you like a cup of [MASK]")
    assert any("%" in word for word in words(window))
    window.picture("completion", pictures, (300, 30, 700, 335))


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
    words(window)
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
    words(window)
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


def test_the_status_bar_says_which_model_answers_and_has_a_menu(window: Window, pictures: Path) -> None:
    window.open("status.txt", "The [MASK] is blue.\n")
    assert (window.status.text_content() or "").strip() == "embedded"
    window.status.click()
    window.choice(f"fillmask-ls {__version__}").wait_for()
    window.picture("menu", pictures, (200, 0, 600, 310))
    window.choice("Fill all masks").click()
    wait(lambda: "[MASK]" not in window.shown(), "the word")


def test_a_model_is_chosen(window: Window) -> None:
    window.open("model.txt")
    window.run("fillmask: Choose the Model…")
    window.choice("the small model that comes with the server").click()
    window.toast("embedded answers", button="Keep It in the Settings")
    wait(lambda: window.settings().get("fillmask.model") == "embedded", "the setting")


def test_a_name_on_the_hub_is_checked_before_it_is_asked_for(window: Window) -> None:
    window.open("download.txt")
    window.run("fillmask: Download a Model…")
    box = window.asked("Download a model from the Hugging Face hub")
    assert box.input_value() == "google-bert/bert-base-uncased"
    box.fill("two words")
    window.page.locator(".quick-input-message", has_text="for example google-bert/bert-base-uncased").wait_for()
    window.press("Escape")


def test_settings_hold_at_once(window: Window) -> None:
    with window.user_settings({"fillmask.completion.topK": 3, "fillmask.trace.server": "messages"}):
        window.open("settings.txt")
        window.type(PARIS)
        wait(lambda: len(words(window)) == 3, "three words")


def test_a_server_that_is_killed_comes_back(window: Window) -> None:
    window.open("killed.txt")
    server = window.server()
    server.kill()
    window.type(PARIS)  # its list opens when there is a server with a model
    assert len(words(window)) == 10
    assert window.server() not in (None, server)


def test_restart(window: Window) -> None:
    window.open("restart.txt")
    server = window.server()
    window.run("fillmask: Restart the Server")
    wait(lambda: window.server() not in (None, server), "another server")
    window.type(PARIS)
    assert len(words(window)) == 10


def test_the_walkthrough_has_three_steps_and_a_document_to_try(window: Window, pictures: Path) -> None:
    window.run("fillmask: Open the Walkthrough")
    steps = window.page.locator(".getting-started-step")
    steps.nth(2).wait_for()
    assert steps.count() == 3
    # The server runs already, so that there is nothing to do for the first.
    steps.first.locator(".complete").wait_for()
    assert steps.nth(1).locator(".complete").count() == 0
    window.picture("walkthrough", pictures)
    steps.nth(1).click()
    window.page.locator(".getting-started-step button, .getting-started-step .monaco-button", has_text="Try it").click()
    assert len(words(window)) >= 10
    assert window.page.locator(".tab.active").get_attribute("data-resource-name", timeout=1000) != ""


def test_masks_in_a_cell_of_a_notebook(window: Window) -> None:
    cells = [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": []}]
    content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    window.show("notes.ipynb", json.dumps(content))
    cell = window.page.locator(".notebookOverlay .monaco-editor.focused")
    while not cell.count():
        window.press("Enter")
        window.page.wait_for_timeout(200)
    window.type(PARIS)
    assert len(words(window)) == 10


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the server as pip would get it."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, ROOT], check=True)
    return folder


def test_a_missing_server_is_offered_once_and_installed_when_the_user_says_so(
    browser: Browser, wheel: Path, tmp_path: Path, pictures: Path
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "python3").symlink_to(Path(sys.base_prefix) / "bin/python3")
    environment = {
        "PATH": f"{programs}:/usr/bin:/bin",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheel),
        # Only the server itself is installed; what it needs is here already.
        "PIP_NO_DEPS": "1",
        "PIP_IGNORE_INSTALLED": "1",
        "PYTHONPATH": sysconfig.get_path("purelib"),
    }
    with code_server(tmp_path / "home", environment=environment) as address:
        window = Window(browser, address, tmp_path / "home")
        file = window.open("missing.txt")
        window.toast("The server fillmask-ls is not installed.")
        window.type("It goes [on]")
        window.saved(file, "It goes [on]")
        time.sleep(3)  # within which VS Code writes down that it was offered
        window.close()

        window = Window(browser, address, tmp_path / "home")
        window.open("missing.txt")
        window.status.locator(".codicon-warning").wait_for()
        assert window.notifications.filter(has_text="fillmask").count() == 0
        window.status.click()
        window.choice("Install the server").click()
        dialog = window.page.locator(".monaco-dialog-box")
        dialog.wait_for()
        said = dialog.text_content() or ""
        assert "python3 -m venv --clear" in said
        assert '-m pip install --no-input "fillmask-ls>=0.1,<0.2"' in said
        window.picture("install", pictures)
        dialog.get_by_role("button", name="Install").click()
        window.status.filter(has_text="embedded").wait_for(timeout=90_000)
        window.open("installed.txt")
        window.type(PARIS)
        assert len(words(window)) == 10
        window.close()


def test_a_workspace_without_trust_chooses_neither_server_nor_model(browser: Browser, tmp_path: Path) -> None:
    workspace = tmp_path / "work/.vscode"
    workspace.mkdir(parents=True)
    chosen = {"fillmask.server.path": "/nowhere/fillmask-ls", "fillmask.model": "nowhere/nothing"}
    (workspace / "settings.json").write_text(json.dumps(chosen))
    settings = {"security.workspace.trust.startupPrompt": "never", "security.workspace.trust.banner": "never"}
    with code_server(tmp_path, settings=settings, trusting=False) as address:
        window = Window(browser, address, tmp_path)
        window.open("notes.txt")
        window.status.filter(has_text="embedded").wait_for()
        window.type(PARIS)
        assert len(words(window)) == 10
        assert window.notifications.count() == 0
        window.press("Escape")
        window.status.click()
        window.choice(f"fillmask-ls {__version__}").wait_for()
        assert window.choice("Choose the model").count() == 0
        window.press("Escape")
        window.run("Workspaces: Manage Workspace Trust")
        window.page.locator(".workspace-trust-editor").get_by_role("button", name="Trust", exact=True).click()
        window.toast("fillmask.server.path names /nowhere/fillmask-ls, which is not there.")
        window.close()


def test_without_trust_the_users_own_model_answers_here_and_the_workspaces_does_not(
    browser: Browser, tmp_path: Path, ours: SharedEngine
) -> None:
    shutil.copytree(EMBEDDED, tmp_path / "models/mine")
    # What a relative path must not lead to.
    (tmp_path / "work/models/mine").mkdir(parents=True)
    workspace = tmp_path / "work/.vscode"
    workspace.mkdir()
    (workspace / "settings.json").write_text(json.dumps({"fillmask.model": "nowhere/nothing"}))
    settings = {"security.workspace.trust.startupPrompt": "never", "security.workspace.trust.banner": "never"}
    own = {"fillmask.model": "models/mine", "fillmask.engine.url": ours.url}
    with code_server(tmp_path, settings=settings, machine=own, trusting=False) as address:
        window = Window(browser, address, tmp_path)
        window.open("notes.txt")
        window.status.filter(has_text="mine").wait_for()
        window.type(PARIS)
        assert len(words(window)) == 10
        with window.user_settings({"fillmask.model": "embedded"}, of="Machine"):
            window.status.filter(has_text="embedded").wait_for()
        assert window.notifications.count() == 0
        assert ours.requests == []
        window.run("Workspaces: Manage Workspace Trust")
        window.page.locator(".workspace-trust-editor").get_by_role("button", name="Trust", exact=True).click()
        window.status.locator(".codicon-cloud").wait_for()
        assert ours.requests
        window.close()


def test_a_shared_engine_gets_the_token_from_the_secret_store_and_nobody_else_sees_it(
    browser: Browser, tmp_path: Path, ours: SharedEngine, pictures: Path
) -> None:
    secret = "s3cret-t0ken"
    settings, own = {"fillmask.trace.server": "verbose"}, {"fillmask.engine.url": ours.url}
    with code_server(tmp_path, settings=settings, machine=own) as address:
        window = Window(browser, address, tmp_path)
        window.open("notes.txt")
        window.status.locator(".codicon-cloud").wait_for()
        assert {token for _, token, _ in ours.requests} == {None}

        def give(token: str) -> set[str | None]:
            """Type the token; returns those that the engine gets from then on."""
            server = window.server()
            window.run("fillmask: Set the Token of the Shared Engine…")
            box = window.page.locator(".quick-input-widget input[type=password]")
            box.wait_for()
            window.picture("token", pictures, (200, 0, 600, 120))
            box.fill(token)
            window.press("Enter")
            wait(lambda: window.server() not in (None, server), "another server")
            ours.requests.clear()
            window.open(f"letter-{len(token)}.txt")
            window.type(PARIS)
            words(window)
            wait(lambda: ours.asked, "a question")
            return {token for _, token, _ in ours.requests}

        assert give(secret) == {f"Bearer {secret}"}
        server = window.server()
        assert server
        assert [each.path for each in server.memory_maps() if "libtorch" in each.path] == []
        window.press("Escape")
        window.status.click()
        window.choice(f"goes to {ours.url.removeprefix('http://')}").wait_for()
        window.picture("engine", pictures, (200, 0, 600, 310))
        assert secret not in (window.page.text_content("body") or "")
        window.press("Escape")
        assert give("") == {None}
        window.close()
    kept = [file for file in tmp_path.rglob("*") if file.is_file()]
    # Where this editor writes logs, the trace of the server's start is among them.
    assert [file for file in kept if secret.encode() in file.read_bytes()] == []
