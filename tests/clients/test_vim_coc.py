"""A person at a real Vim in a terminal, with coc.nvim and the settings of ``client-config/vim``'s README.

No registry has it, npm only its types: it is tested where there is a built copy, ``coc.nvim`` in the folder of editors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from clients.editors import CLIENTS, commands, editors_folder, missing, program, wait
from clients.terminal import Terminal

pytestmark = [pytest.mark.clients, pytest.mark.timeout(180)]

README = CLIENTS / "vim" / "README.md"
TYPED = "Paris is the capital of [MASK]"
ROW = re.compile(r"(\S+) (?:< )?[\d.]+ % +v \[LS\]")


class Vim(Terminal):
    """A Vim with a document."""

    OPEN, OPENED = ":edit!", '"'

    def words(self) -> list[str]:
        return ROW.findall(self.screen)


Open = Callable[[str, str], Vim]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vim]:
    """A new user's Vim."""
    path, node = program("coc", "vim"), program("coc", editors_folder() / "node/node_modules/.bin/node", "node")
    plugin = editors_folder() / "coc.nvim"
    if not plugin.exists():
        missing("coc", f"there is no {plugin}")
    home = tmp_path_factory.mktemp("coc") / "home"
    (home / ".vim/pack/coc/start").mkdir(parents=True)
    (home / ".vim/pack/coc/start/coc.nvim").symlink_to(plugin)
    (home / ".vim/coc-settings.json").write_text(commands(README, "{", "json"))
    settings = f"filetype plugin on\nset noswapfile hidden\nlet g:coc_node_path = '{node}'\n"
    (home / ".vim/vimrc").write_text(settings + commands(README, "inoremap <silent>", "vim"))
    editor = Vim("coc", [path], home)
    try:
        editor.shows("All")
        editor.open("first.txt", "The sky is [MASK].\n")
        editor.shows("%")  # a hint: the model is there
        yield editor
    finally:
        editor.keep("last")
        editor.close()


@pytest.fixture
def vim(running: Vim) -> Open:
    """Opens a document in it."""

    def open_(name: str, content: str) -> Vim:
        running.open(name, content)
        return running

    return open_


def test_type_a_mask_and_accept_a_word(vim: Open) -> None:
    editor = vim("letter.txt", "Line one.\n")
    editor.keys("o")
    editor.type(f"é 😀 {TYPED}")
    words = editor.popup()
    editor.keep("popup")
    editor.keys("C-n", "C-y")
    editor.type(" today.")
    assert editor.saved() == f"Line one.\né 😀 Paris is the capital of {words[1]} today.\n"
    editor.command("u")
    assert editor.saved() == "Line one.\n"


def test_asked_for_inside_the_mask(vim: Open) -> None:
    editor = vim("notes.md", "- **Paris** is the [MASK] of France.\n")
    editor.command("0fMli")
    editor.keys("C-Space")
    words = editor.popup()
    editor.keys("C-y")
    wait(lambda: words[0] in editor.screen.splitlines()[0] and "[MASK]" not in editor.screen, "the word")
    assert editor.saved() == f"- **Paris** is the {words[0]} of France.\n"
    editor.command("u")
    assert editor.saved() == "- **Paris** is the [MASK] of France.\n"


def test_type_on(vim: Open) -> None:
    editor = vim("module.py", "# \n")
    editor.keys("A")
    editor.type(TYPED)
    editor.popup()
    editor.type("F")
    wait(lambda: {word[0] for word in editor.words()} == {"F"}, "words that begin so")
    words = editor.words()
    editor.keys("C-y")
    assert editor.saved() == f"# Paris is the capital of {words[0]}\n"


def test_hints_hover_and_code_actions(vim: Open) -> None:
    editor = vim("letter.txt", "Paris is the [MASK] of France. It is a [MASK] city.\n")
    wait(lambda: editor.screen.count("%") == 2, "the hints")
    editor.keep("hints")
    editor.command("0fMK")
    editor.shows("probability")
    editor.keep("hover")
    editor.command("\\a")
    editor.shows("Fill the 2 masks of this paragraph together")
    editor.keep("actions")
    editor.keys("Enter")
    wait(lambda: editor.saved().count("[MASK]") == 1, "one mask filled")
    editor.command("u")
    assert editor.saved().count("[MASK]") == 2
