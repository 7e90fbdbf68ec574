"""A person at a real Helix in a terminal, with the files of ``client-config/helix`` where its README says."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from clients.editors import CLIENTS, follow, program, wait
from clients.terminal import Terminal

pytestmark = [pytest.mark.clients, pytest.mark.timeout(180)]

README = CLIENTS / "helix" / "README.md"
TYPED = "Paris is the capital of [MASK]"


class Helix(Terminal):
    """A Helix with a document."""

    OPEN, OPENED = ":open", " "

    def words(self) -> list[str]:
        rows = [row.split() for row in self.screen.splitlines()]
        return [row[-2] for row in rows if len(row) >= 2 and row[-1] == "text"]


Open = Callable[[str, str], Helix]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Helix]:
    """A new user's Helix."""
    path = program("helix", "hx", "helix")
    home = tmp_path_factory.mktemp("helix") / "home"
    home.mkdir()
    follow(README, "mkdir", home)
    (home / ".config/helix/config.toml").write_text("[editor.lsp]\ndisplay-inlay-hints = true\n")
    editor = Helix("helix", [path], home)
    editor.shows("NOR")
    yield editor
    editor.keep("last")
    editor.close()


@pytest.fixture
def helix(running: Helix) -> Open:
    """Opens a document in it."""

    def open_(name: str, content: str) -> Helix:
        running.open(name, content)
        return running

    return open_


@pytest.mark.parametrize(("name", "before"), [("letter.txt", "é 👍 "), ("notes.md", "- **Yes**: "), ("code.py", "# ")])
def test_type_a_mask_and_accept_a_word(helix: Open, name: str, before: str) -> None:
    editor = helix(name, "\n")
    editor.keys("i")
    editor.type(before + TYPED)
    words = editor.popup()
    editor.keep(f"popup-{name}")
    editor.keys("C-n")
    editor.shows("Rank 1 of 10")
    editor.keys("Enter")
    editor.type(" today.")
    assert editor.saved() == f"{before}{TYPED.replace('[MASK]', words[0])} today.\n"


def test_type_on_and_undo(helix: Open) -> None:
    editor = helix("letter.txt", "\n")
    editor.keys("i")
    editor.type(TYPED)
    editor.popup()
    editor.type("Fr")
    wait(lambda: "Frank" in editor.screen and "paris" not in editor.screen, "words that begin so")
    editor.keys("C-n", "Enter")
    assert editor.saved() == "Paris is the capital of France\n"


def test_hints_hover_and_code_actions(helix: Open) -> None:
    editor = helix("letter.txt", "Paris is the [MASK] of France. It is a [MASK] city.\n")
    editor.type("l")  # Helix asks for hints when something moved
    wait(lambda: editor.screen.count("%") == 2, "the hints")
    editor.keep("hints")
    editor.type("ghfM")
    editor.type(" k")
    editor.shows("Entropy")
    editor.keep("hover")
    editor.keys("Escape")
    time.sleep(0.3)
    editor.type(" a")
    editor.shows("Fill the 2 masks of this paragraph together")
    editor.keep("actions")
    assert "Fill with “" in editor.screen
    editor.keys("Enter")
    wait(lambda: editor.saved().count("[MASK]") == 1, "one mask filled")
    editor.command("u")
    assert editor.saved().count("[MASK]") == 2
