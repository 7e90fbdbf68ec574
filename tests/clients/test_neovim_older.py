"""Use a Neovim older than 0.11, configured as ``client-config/neovim/README.md`` describes for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest

from clients.editors import PARIS, find_program, readme_block, run_readme_block, skip_or_fail, wait_until
from clients.neovim import ATTEMPT_TIMEOUT, README, Neovim, OpenDocument, start_neovim

# Runs here with this version of Neovim.
from clients.test_neovim import (
    test_completion_with_the_cursor_inside_the_mask as test_completion_with_the_cursor_inside_the_mask,
)

pytestmark = [pytest.mark.clients, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def shared_neovim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neovim]:
    """A new user's Neovim 0.10, where ``require('fillmask').start`` starts the server."""
    path = find_program("neovim-older", "nvim-older")
    folder = tmp_path_factory.mktemp("neovim-older")
    home = folder / "home"
    home.mkdir()
    run_readme_block(README, "mkdir", home)
    (home / ".config/nvim/init.lua").write_text(readme_block(README, "vim.api", "lua"))
    with start_neovim("neovim-older", path, folder) as editor:
        if editor.rpc.funcs.has("nvim-0.11") or not editor.rpc.funcs.has("nvim-0.8"):
            skip_or_fail("neovim-older", f"{path} is not version 0.8 to 0.10")
        open_file(editor, "first.txt", "She opened the [MASK] and let the cat in.\n")
        wait_until(lambda: "%" in editor.screen, "a hint, which shows that the model is loaded")
        yield editor


def open_file(editor: Neovim, name: str, content: str) -> None:
    """Create a file and open it, and close all other files."""
    (editor.folder / name).write_text(content, encoding="utf-8")
    editor.press("<Esc>")
    for command in ["silent! %bwipeout!", "messages clear", f"silent edit {editor.folder / name}"]:
        editor.rpc.command(command)
    editor.wait_for_server()


@pytest.fixture
def open_document(shared_neovim: Neovim) -> OpenDocument:
    """Open a document in the shared Neovim."""

    def open_document(name: str, content: str) -> Neovim:
        open_file(shared_neovim, name, content)
        return shared_neovim

    return open_document


def test_accepted_suggestion_replaces_the_mask_in_one_undo_step(open_document: OpenDocument) -> None:
    editor = open_document("letter.txt", "Line one.\n")
    editor.press("o")
    editor.type(f"é 😀 {PARIS}")
    with suppress(TimeoutError):
        editor.wait_for_suggestions(timeout=ATTEMPT_TIMEOUT)
    words = editor.complete()
    editor.keep_screen("suggestions")
    assert "%" in editor.screen
    assert editor.line == f"é 😀 {PARIS}"
    editor.press("<C-n>", "<C-n>", "<C-y>")
    wait_until(lambda: editor.line == f"é 😀 Paris is the capital of {words[1]}", "the accepted word")
    editor.type(" today")
    assert editor.line == f"é 😀 Paris is the capital of {words[1]} today"
    editor.press("<Esc>", "u")
    assert editor.line == f"é 😀 {PARIS}"
    assert "rror" not in editor.messages


def test_letters_after_the_mask_filter_the_suggestions(open_document: OpenDocument) -> None:
    editor = open_document("notes.md", "- Paris is the capital of [MASK]\n")
    editor.press("A")
    editor.type("Fr")
    words = editor.complete(bool)
    assert all(word.startswith("Fr") for word in words)
    editor.press("<C-n>", "<C-y>")
    assert editor.line == f"- Paris is the capital of {words[0]}"


def test_completion_without_a_mask_suggests_nothing(open_document: OpenDocument) -> None:
    editor = open_document("letter.txt", "It was a nice day\n")
    editor.press("A", "<C-x><C-o>", "s")
    wait_until(lambda: editor.line == "It was a nice days", "the typed letter")
    assert editor.suggestions() == []


def test_hints_code_actions_and_fill_all(open_document: OpenDocument) -> None:
    text = "Paris is the [MASK] of France. It is a [MASK] city."
    editor = open_document("letter.txt", text + "\n")
    wait_until(lambda: editor.screen.count("%") == 2, "the hints on the screen")
    editor.keep_screen("hints")
    editor.press("fM")
    titles = editor.run_code_action("Fill with")
    assert any("together" in title for title in titles), titles
    wait_until(lambda: editor.text.count("[MASK]") == 1, "one mask filled")
    editor.press("u")
    editor.rpc.command("FillmaskFillAll")
    wait_until(lambda: "[MASK]" not in editor.text, "all masks filled")
    editor.press("u")
    assert editor.text == text
