"""Use Helix in a terminal, configured as ``client-config/helix/README.md`` describes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from clients.editors import CLIENT_CONFIG, PARIS, find_program, run_readme_block, wait_until
from clients.terminal import Terminal

pytestmark = [pytest.mark.clients, pytest.mark.timeout(180)]

README = CLIENT_CONFIG / "helix" / "README.md"
ATTEMPT_TIMEOUT = 5
"""Seconds before hints are requested again."""


class Helix(Terminal):
    OPEN_COMMAND, AFTER_OPEN_NAME, INSERT_MODE = ":open", " ", "INS"

    def suggestions(self) -> list[str]:
        rows = [row.split() for row in self.screen.splitlines()]
        return [row[-2] for row in rows if len(row) >= 2 and row[-1] == "text"]

    def wait_for_hints(self, count: int) -> None:
        """Move the cursor, which makes Helix request hints, until they are on the screen."""

        def attempt() -> bool:
            self.press("l")
            with suppress(TimeoutError):
                return wait_until(lambda: self.screen.count("%") == count, f"{count} hints", ATTEMPT_TIMEOUT)
            return False

        wait_until(attempt, f"{count} hints")


OpenDocument = Callable[[str, str], Helix]


@pytest.fixture(scope="module")
def shared_helix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Helix]:
    """A new user's Helix with a loaded model."""
    path = find_program("helix", "hx", "helix")
    home = tmp_path_factory.mktemp("helix") / "home"
    home.mkdir()
    run_readme_block(README, "mkdir", home)
    (home / ".config/helix/config.toml").write_text("[editor.lsp]\ndisplay-inlay-hints = true\n")
    editor = Helix("helix", [path], home)
    try:
        editor.wait_for_text("NOR")
        editor.open("first.txt", "She opened the [MASK] and let the cat in.\n")
        editor.wait_for_hints(1)  # the model is loaded
        yield editor
    finally:
        editor.keep_screen("last")
        editor.close()


@pytest.fixture
def open_document(shared_helix: Helix) -> OpenDocument:
    """Open a document in the shared Helix."""

    def open_document(name: str, content: str) -> Helix:
        shared_helix.open(name, content)
        return shared_helix

    return open_document


@pytest.mark.parametrize(("name", "before"), [("letter.txt", "é 👍 "), ("notes.md", "- **Yes**: "), ("code.py", "# ")])
def test_accepted_suggestion_replaces_the_mask(open_document: OpenDocument, name: str, before: str) -> None:
    editor = open_document(name, "\n")
    editor.press("i")
    editor.type(before + PARIS)
    words = editor.wait_for_suggestions()
    editor.keep_screen(f"suggestions-{name}")
    editor.press("C-n")
    editor.wait_for_text("Suggestion 1 of 10")
    editor.press("Enter")
    editor.type(" today.")
    assert editor.save() == f"{before}{PARIS.replace('[MASK]', words[0])} today.\n"


def test_letters_after_the_mask_filter_the_suggestions(open_document: OpenDocument) -> None:
    editor = open_document("letter.txt", "\n")
    editor.press("i")
    editor.type(PARIS)
    editor.wait_for_suggestions()
    editor.type("Fr")
    wait_until(lambda: "Frank" in editor.screen and "paris" not in editor.screen, "words that start with Fr")
    editor.press("C-n", "Enter")
    assert editor.save() == "Paris is the capital of France\n"


def test_hints_hover_and_code_actions(open_document: OpenDocument) -> None:
    editor = open_document("letter.txt", "She opened the [MASK] and let the cat in. Thank you very [MASK].\n")
    editor.wait_for_hints(2)
    editor.keep_screen("hints")
    editor.type("ghfM")
    editor.type(" k")
    editor.wait_for_text("like choosing among")
    editor.keep_screen("hover")
    editor.press("Escape")
    wait_until(lambda: "like choosing among" not in editor.screen, "the hover is closed")
    editor.type(" a")
    editor.wait_for_text("Fill the 2 blanks of this paragraph together")
    editor.keep_screen("actions")
    assert "Fill with “" in editor.screen
    editor.press("Enter")
    wait_until(lambda: editor.save().count("[MASK]") == 1, "one filled mask")
    editor.command("u")
    assert editor.save().count("[MASK]") == 2
