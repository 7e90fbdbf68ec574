"""A person at a real JupyterLab in a browser, with the files of ``client-config/jupyterlab`` where its README says."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from clients.browser import chromium
from clients.editors import CLIENTS, answers, end, environment, follow, free_port, program, wait

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.clients, pytest.mark.timeout(180)]

README = CLIENTS / "jupyterlab" / "README.md"
TYPED = "Paris is the capital of [MASK]"
PROBABILITY = re.compile(r"\d %")
COMPLETION = "@jupyterlab/completer-extension/manager.jupyterlab-settings"


class JupyterLab:
    """A window of JupyterLab.

    Attributes:
        folder: whose files it shows.
    """

    def __init__(self, page: Page, address: str, folder: Path) -> None:
        self.page = page
        self.address = address
        self.folder = folder

    def open(self, name: str, content: str) -> None:
        """Write a file and open it."""
        (self.folder / name).write_text(content, encoding="utf-8")
        self.page.goto(f"{self.address}/lab/tree/{name}?reset")
        self.page.locator(".jp-Dialog").wait_for(state="hidden")
        self.editor.wait_for()
        self.page.locator("text=/nitialized/").wait_for()  # in the status bar: the server

    @property
    def editor(self) -> Locator:
        """The text of the file, or of the first cell that is edited."""
        return self.page.locator(".jp-MainAreaWidget:not(.lm-mod-hidden) .cm-content").first

    @property
    def text(self) -> str:
        return "\n".join(self.editor.locator(".cm-line").all_inner_texts()).rstrip("\n")

    def keys(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text, delay=40)

    def words(self) -> list[str]:
        """Those in the list, if it is open and has those for a mask: they have probabilities."""
        shown = self.page.locator(".jp-Completer:not(.lm-mod-hidden) .jp-Completer-item").all_inner_texts()
        return [row.split("\n")[0] for row in shown] if any(PROBABILITY.search(row) for row in shown) else []

    def ask(self) -> list[str]:
        """Press Tab behind a mask until its words are there: JupyterLab waits for a server no longer than a second."""

        def asked() -> list[str]:
            self.keys("Tab")
            self.page.wait_for_timeout(1500)
            return self.words() or self.keys("Escape") or []

        return wait(asked, "the words")

    def becomes(self, text: str) -> None:
        wait(lambda: self.text == text, f"“{text}” instead of “{self.text}”")

    def keep(self, name: str) -> None:
        self.page.screenshot(path=Path(os.environ.get("FILLMASK_ARTIFACTS") or self.folder) / f"jupyterlab-{name}.png")


@pytest.fixture(scope="module")
def jupyterlab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterLab]:
    """That of a new user who has turned on that lists open by themselves."""
    path = program("jupyterlab", "jupyter-lab")
    home = tmp_path_factory.mktemp("jupyterlab") / "home"
    work = home / "work"
    work.mkdir(parents=True)
    settings = home / ".jupyter/lab/user-settings" / COMPLETION
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"autoCompletion": True}))
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("JUPYTER")]:
            patch.delenv(name)
        patch.setenv("PATH", os.pathsep.join([str(Path(path).resolve().parent), os.environ["PATH"]]))
        follow(README, "mkdir", home)
        variables = environment(home)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    start = [path, "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
    free = [
        "--IdentityProvider.token=",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    with chromium() as browser, (home / "log").open("w") as log:
        process = subprocess.Popen([*start, *free], env=variables, cwd=work, stdout=log, stderr=log)
        try:
            wait(lambda: process.poll() is not None or answers(f"{address}/api"), "JupyterLab")
            assert process.poll() is None, (home / "log").read_text()
            page = browser.new_page(viewport={"width": 1100, "height": 600})
            window = JupyterLab(page, address, work)
            yield window
            window.keep("last")
        finally:
            end(process.pid)
            process.wait()


def test_accept_a_word_and_undo(jupyterlab: JupyterLab) -> None:
    jupyterlab.open("letter.md", "")
    jupyterlab.editor.click()
    jupyterlab.type(f"é 😀 {TYPED}")
    words = jupyterlab.ask()
    jupyterlab.keep("list")
    assert len(words) == 10
    jupyterlab.keys("ArrowDown", "Enter")
    jupyterlab.becomes(f"é 😀 Paris is the capital of {words[1]}")
    jupyterlab.keys("Control+z")
    jupyterlab.becomes(f"é 😀 {TYPED}")


def test_the_cursor_inside_the_mask_and_letters_typed_on(jupyterlab: JupyterLab) -> None:
    jupyterlab.open("letter.txt", "The [MASK] is in the [MASK] today.")
    jupyterlab.editor.click()
    jupyterlab.keys("Home", *["ArrowRight"] * 6)
    words = jupyterlab.ask()
    jupyterlab.keys("Enter")
    jupyterlab.becomes(f"The {words[0]} is in the [MASK] today.")
    jupyterlab.keys(*["ArrowRight"] * len(" is in the [MASK]"))
    jupyterlab.ask()
    jupyterlab.type("c")
    jupyterlab.keys("Escape")
    narrowed = jupyterlab.ask()
    assert all(word.startswith("c") for word in narrowed)
    jupyterlab.keys("Enter")
    jupyterlab.becomes(f"The {words[0]} is in the {narrowed[0]} today.")


def test_the_mask_itself(jupyterlab: JupyterLab) -> None:
    jupyterlab.open("letter.md", "The sky is ")
    jupyterlab.editor.click()
    jupyterlab.keys("End")
    jupyterlab.type("[")
    jupyterlab.keys("Tab")
    jupyterlab.page.locator(".jp-Completer:not(.lm-mod-hidden) .jp-Completer-item", has_text="[MASK]").wait_for()
    jupyterlab.keys("Enter")
    jupyterlab.becomes("The sky is [MASK]")


def test_hover(jupyterlab: JupyterLab) -> None:
    jupyterlab.open("letter.md", "Paris is the [MASK] of France.")
    jupyterlab.editor.click()
    jupyterlab.keys("Home")

    def shown() -> str:
        box: Any = jupyterlab.editor.locator("span", has_text="]").last.bounding_box()
        jupyterlab.page.mouse.move(500, 400)
        jupyterlab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=5)
        jupyterlab.page.keyboard.down("Control")
        jupyterlab.page.wait_for_timeout(1500)
        jupyterlab.page.keyboard.up("Control")
        return "\n".join(jupyterlab.page.locator(".lsp-tooltip").all_inner_texts())

    assert "capital" in wait(shown, "the hover")
    jupyterlab.keep("hover")


def test_a_markdown_cell_of_a_notebook(jupyterlab: JupyterLab) -> None:
    cell = {"id": "a", "cell_type": "markdown", "metadata": {}, "source": "The sky is [MASK]"}
    code = {"id": "b", "cell_type": "code", "metadata": {}, "source": "", "outputs": [], "execution_count": None}
    python = {"name": "python3", "display_name": "Python 3", "language": "python"}
    about = {"kernelspec": python, "language_info": {"name": "python", "mimetype": "text/x-python"}}
    book = {"nbformat": 4, "nbformat_minor": 5, "metadata": about, "cells": [cell, code]}
    (jupyterlab.folder / "sky.ipynb").write_text(json.dumps(book))
    jupyterlab.page.goto(f"{jupyterlab.address}/lab/tree/sky.ipynb?reset")
    jupyterlab.page.locator(".jp-CodeCell .cm-content").click()
    jupyterlab.page.locator(".jp-MarkdownCell").dblclick()
    jupyterlab.page.locator(".jp-MarkdownCell .cm-content").click()

    def by_tab() -> list[str]:
        jupyterlab.keys("End", "Tab")
        jupyterlab.page.wait_for_timeout(1500)
        return jupyterlab.words()

    words = wait(by_tab, "the words")
    jupyterlab.keep("notebook")
    assert len(words) == 10
    jupyterlab.keys("Enter")
    jupyterlab.becomes(f"The sky is {words[0]}")
    jupyterlab.keys("Control+z")
    jupyterlab.becomes("The sky is [MASK]")

    def by_a_letter() -> list[str]:
        jupyterlab.keys("End")
        jupyterlab.type("b")
        jupyterlab.page.wait_for_timeout(1500)
        return jupyterlab.words() or jupyterlab.keys("Backspace") or []

    words = wait(by_a_letter, "the words")
    assert all(word.startswith("b") for word in words)
    jupyterlab.keys("Enter")
    jupyterlab.becomes(f"The sky is {words[0]}")
