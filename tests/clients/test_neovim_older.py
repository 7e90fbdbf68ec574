"""A person at a Neovim older than 0.11, with what ``client-config/neovim``'s README says for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from clients.editors import commands, follow, missing, program, wait
from clients.test_neovim import README, TYPED, Neovim, Open, started

# Holds as it is for this Neovim, too.
from clients.test_neovim import test_the_cursor_inside_the_mask as test_the_cursor_inside_the_mask

pytestmark = [pytest.mark.clients, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neovim]:
    """A new user's Neovim of the newest version that starts servers in the older way."""
    path = program("neovim-older", "nvim-older")
    folder = tmp_path_factory.mktemp("neovim-older")
    home = folder / "home"
    home.mkdir()
    follow(README, "mkdir", home)
    (home / ".config/nvim/init.lua").write_text(commands(README, "vim.api", "lua"))
    with started("neovim-older", path, folder) as editor:
        if editor.rpc.funcs.has("nvim-0.11") or not editor.rpc.funcs.has("nvim-0.8"):
            missing("neovim-older", f"{path} is not 0.8 to 0.10")
        show(editor, "first.txt", "The sky is [MASK].\n")
        wait(lambda: "%" in editor.screen, "a hint: the model is there")
        yield editor


def show(editor: Neovim, name: str, content: str) -> None:
    """Open a document, and nothing else."""
    (editor.folder / name).write_text(content, encoding="utf-8")
    editor.keys("<Esc>")
    for command in ["silent! %bwipeout!", "messages clear", f"silent edit {editor.folder / name}"]:
        editor.rpc.command(command)
    editor.attached()


@pytest.fixture
def neovim(older: Neovim) -> Open:
    """Opens a document in it."""

    def open_(name: str, content: str) -> Neovim:
        show(older, name, content)
        return older

    return open_


def test_type_a_mask_choose_a_word_and_undo(neovim: Open) -> None:
    editor = neovim("letter.txt", "Line one.\n")
    editor.keys("o")
    editor.type(f"é 😀 {TYPED}")
    words = editor.popup()
    editor.keep("popup")
    assert "%" in editor.screen
    assert editor.line == f"é 😀 {TYPED}"
    editor.keys("<C-n>", "<C-n>", "<C-y>")
    wait(lambda: editor.line == f"é 😀 Paris is the capital of {words[1]}", "the word")
    editor.type(" today")
    assert editor.line == f"é 😀 Paris is the capital of {words[1]} today"
    editor.keys("<Esc>", "u")
    assert editor.line == f"é 😀 {TYPED}"
    assert "rror" not in editor.messages


def test_type_on_and_ask(neovim: Open) -> None:
    editor = neovim("notes.md", "- Paris is the capital of [MASK]\n")
    editor.keys("A")
    editor.type("Fr")
    editor.keys("<C-x><C-o>")
    words = editor.popup(bool)
    assert all(word.startswith("Fr") for word in words)
    editor.keys("<C-n>", "<C-y>")
    assert editor.line == f"- Paris is the capital of {words[0]}"


def test_the_list_without_a_mask(neovim: Open) -> None:
    editor = neovim("letter.txt", "It was a nice day\n")
    editor.keys("A", "<C-x><C-o>", "s")
    wait(lambda: editor.line == "It was a nice days", "what is typed")
    assert editor.words() == []


def test_hints_code_actions_and_commands(neovim: Open) -> None:
    text = "Paris is the [MASK] of France. It is a [MASK] city."
    editor = neovim("letter.txt", text + "\n")
    wait(lambda: editor.screen.count("%") == 2, "the hints on the screen")
    editor.keep("hints")
    editor.keys("fM")
    titles = editor.choose("Fill with")
    assert any("together" in title for title in titles), titles
    wait(lambda: editor.text.count("[MASK]") == 1, "one mask filled")
    editor.keys("u")
    editor.rpc.command("FillmaskFillAll")
    wait(lambda: "[MASK]" not in editor.text, "all masks filled")
    editor.keys("u")
    assert editor.text == text
