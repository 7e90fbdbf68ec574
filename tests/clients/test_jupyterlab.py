"""Use JupyterLab in a browser, configured as ``client-config/jupyterlab/README.md`` describes."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from clients.editors import (
    CLIENT_CONFIG,
    PARIS,
    artifacts_folder,
    find_program,
    free_port,
    is_reachable,
    kill_tree,
    run_readme_block,
    user_environment,
    wait_until,
)

with suppress(ImportError):
    from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = [pytest.mark.clients, pytest.mark.timeout(180)]

README = CLIENT_CONFIG / "jupyterlab" / "README.md"
PROBABILITY = re.compile(r"\d %")
ATTEMPT_TIMEOUT = 2000
"""Milliseconds before a request is repeated: jupyterlab-lsp gives up on a server after one second."""
COMPLETION_SETTINGS = "@jupyterlab/completer-extension/manager.jupyterlab-settings"


class JupyterLab:
    """A window of JupyterLab.

    Attributes:
        page: the browser's page.
        url: the server's URL.
        folder: the open folder.
    """

    def __init__(self, page: Page, url: str, folder: Path) -> None:
        self.page = page
        self.url = url
        self.folder = folder

    def open(self, name: str, content: str) -> None:
        """Create a file and open it, with the language server running."""
        (self.folder / name).write_text(content, encoding="utf-8")
        self.page.goto(f"{self.url}/lab/tree/{name}?reset")
        self.page.locator(".jp-Dialog").wait_for(state="hidden")
        self.editor.wait_for()
        self.page.locator("text=/nitialized/").wait_for()  # in the status bar: the state of the server

    @property
    def editor(self) -> Locator:
        """Return the editor of the file, or of the first cell in edit mode."""
        return self.page.locator(".jp-MainAreaWidget:not(.lm-mod-hidden) .cm-content").first

    @property
    def text(self) -> str:
        return "\n".join(self.editor.locator(".cm-line").all_inner_texts()).rstrip("\n")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text, delay=40)

    @property
    def suggestion_rows(self) -> Locator:
        return self.page.locator(".jp-Completer:not(.lm-mod-hidden) .jp-Completer-item")

    def wait_for_suggestions(self, request: Callable[[], None], cancel: Callable[[], None] = lambda: None) -> list[str]:
        """Request suggestions until JupyterLab shows words for a mask. Return the words.

        Args:
            request: requests suggestions.
            cancel: undoes a request that brought none.
        """
        return self.wait_for_rows(self.suggestion_rows.filter(has_text=PROBABILITY), request, cancel)

    def wait_for_rows(self, rows: Locator, request: Callable[[], None], cancel: Callable[[], None]) -> list[str]:
        """Request suggestions until JupyterLab shows the rows. Return their first lines."""

        def suggestions() -> list[str]:
            request()
            try:
                rows.first.wait_for(timeout=ATTEMPT_TIMEOUT)
            except PlaywrightTimeoutError:
                cancel()
                return []
            return [row.split("\n")[0] for row in rows.all_inner_texts()]

        return wait_until(suggestions, "the suggestions")

    def complete(self) -> list[str]:
        """Press Tab until JupyterLab shows words for the mask. Return the words."""
        return self.wait_for_suggestions(lambda: self.press("Tab"), lambda: self.press("Escape"))

    def wait_for_text(self, text: str) -> None:
        wait_until(lambda: self.text == text, f"the text {text!r}")

    def screenshot(self, name: str) -> None:
        self.page.screenshot(path=artifacts_folder(self.folder) / f"jupyterlab-{name}.png")


@pytest.fixture(scope="module")
def jupyterlab(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterLab]:
    """A new user's JupyterLab with automatic completion."""
    path = find_program("jupyterlab", "jupyter-lab")
    home = tmp_path_factory.mktemp("jupyterlab") / "home"
    work = home / "work"
    work.mkdir(parents=True)
    settings = home / ".jupyter/lab/user-settings" / COMPLETION_SETTINGS
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"autoCompletion": True}))
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("JUPYTER")]:
            patch.delenv(name)
        patch.setenv("PATH", os.pathsep.join([str(Path(path).resolve().parent), os.environ["PATH"]]))
        run_readme_block(README, "mkdir", home)
        variables = user_environment(home)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    start = [path, "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
    options = [
        "--IdentityProvider.token=",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    with (home / "log").open("w") as log:
        process = subprocess.Popen([*start, *options], env=variables, cwd=work, stdout=log, stderr=log)
        try:
            wait_until(lambda: process.poll() is not None or is_reachable(f"{url}/api"), "JupyterLab")
            assert process.poll() is None, (home / "log").read_text()
            page = browser.new_page(viewport={"width": 1100, "height": 600})
            window = JupyterLab(page, url, work)
            yield window
            window.screenshot("last")
            page.close()
        finally:
            kill_tree(process.pid)
            process.wait()


def test_accepted_suggestion_replaces_the_mask_in_one_undo_step(jupyterlab: JupyterLab) -> None:
    jupyterlab.open("letter.md", f"é 😀 {PARIS}")  # not typed: JupyterLab undoes all edits of half a second together
    jupyterlab.editor.click()
    jupyterlab.press("Control+End")
    words = jupyterlab.complete()
    jupyterlab.screenshot("suggestions")
    assert len(words) == 10
    jupyterlab.press("ArrowDown", "Enter")
    jupyterlab.wait_for_text(f"é 😀 Paris is the capital of {words[1]}")
    jupyterlab.press("Control+z")
    jupyterlab.wait_for_text(f"é 😀 {PARIS}")


def test_completion_inside_the_mask_and_after_typed_letters(jupyterlab: JupyterLab) -> None:
    jupyterlab.open("letter.txt", "The [MASK] is in the [MASK] today.")
    jupyterlab.editor.click()
    jupyterlab.press("Home", *["ArrowRight"] * 6)
    words = jupyterlab.complete()
    jupyterlab.press("Enter")
    jupyterlab.wait_for_text(f"The {words[0]} is in the [MASK] today.")
    jupyterlab.press(*["ArrowRight"] * len(" is in the [MASK]"))
    jupyterlab.complete()
    jupyterlab.type("c")
    jupyterlab.press("Escape")
    filtered = jupyterlab.complete()
    assert all(word.startswith("c") for word in filtered)
    jupyterlab.press("Enter")
    jupyterlab.wait_for_text(f"The {words[0]} is in the {filtered[0]} today.")


def test_opening_bracket_suggests_a_mask(jupyterlab: JupyterLab) -> None:
    jupyterlab.open("letter.md", "The sky is ")
    jupyterlab.editor.click()
    jupyterlab.press("End")
    jupyterlab.type("[")
    rows = jupyterlab.suggestion_rows.filter(has_text="[MASK]")
    jupyterlab.wait_for_rows(rows, lambda: jupyterlab.press("Tab"), lambda: jupyterlab.press("Escape"))
    jupyterlab.press("Enter")
    jupyterlab.wait_for_text("The sky is [MASK]")


def test_hover_shows_the_prediction(jupyterlab: JupyterLab) -> None:
    jupyterlab.open("letter.md", "Paris is the [MASK] of France.")
    jupyterlab.editor.click()
    jupyterlab.press("Home")

    tooltip = jupyterlab.page.locator(".lsp-tooltip")

    def hover() -> str:
        box: Any = jupyterlab.editor.locator("span", has_text="]").last.bounding_box()
        jupyterlab.page.mouse.move(500, 400)
        jupyterlab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=5)
        jupyterlab.page.keyboard.down("Control")
        with suppress(PlaywrightTimeoutError):
            tooltip.first.wait_for(timeout=ATTEMPT_TIMEOUT)
        jupyterlab.page.keyboard.up("Control")
        return "\n".join(tooltip.all_inner_texts())

    assert "capital" in wait_until(hover, "the hover")
    jupyterlab.screenshot("hover")


def test_completion_in_a_markdown_cell(jupyterlab: JupyterLab) -> None:
    markdown = {"id": "a", "cell_type": "markdown", "metadata": {}, "source": "The sky is [MASK]"}
    code = {"id": "b", "cell_type": "code", "metadata": {}, "source": "", "outputs": [], "execution_count": None}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python", "mimetype": "text/x-python"}}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": [markdown, code]}
    (jupyterlab.folder / "sky.ipynb").write_text(json.dumps(notebook))
    jupyterlab.page.goto(f"{jupyterlab.url}/lab/tree/sky.ipynb?reset")
    jupyterlab.page.locator(".jp-CodeCell .cm-content").click()
    jupyterlab.page.locator(".jp-MarkdownCell").dblclick()
    jupyterlab.page.locator(".jp-MarkdownCell .cm-content").click()

    words = jupyterlab.wait_for_suggestions(lambda: jupyterlab.press("End", "Tab"))
    jupyterlab.screenshot("notebook")
    assert len(words) == 10
    jupyterlab.press("Enter")
    jupyterlab.wait_for_text(f"The sky is {words[0]}")
    jupyterlab.press("Control+z")
    jupyterlab.wait_for_text("The sky is [MASK]")

    def type_letter() -> None:
        jupyterlab.press("End")
        jupyterlab.type("b")

    words = jupyterlab.wait_for_suggestions(type_letter, lambda: jupyterlab.press("Backspace"))
    assert all(word.startswith("b") for word in words)
    jupyterlab.press("Enter")
    jupyterlab.wait_for_text(f"The sky is {words[0]}")
