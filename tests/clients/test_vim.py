"""A person at a real Vim in a terminal, with vim-lsp and the ``vimrc`` of ``client-config/vim``'s README.

vim-lsp is in no registry: it is tested where there is a copy, ``vim-lsp`` in the folder of editors.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator

import pytest

from clients.editors import CLIENTS, commands, editors_folder, missing, program, wait
from clients.terminal import Terminal

pytestmark = [pytest.mark.clients, pytest.mark.timeout(180)]

README = CLIENTS / "vim" / "README.md"
TYPED = "Paris is the capital of [MASK]"


class Vim(Terminal):
    """A Vim with a document."""

    OPEN, OPENED = ":edit!", '"'

    def words(self) -> list[str]:
        rows = [row.strip(" ~").split() for row in self.screen.splitlines()]
        return [row[0] for row in rows if len(row) >= 2 and row[1] == "text"]

    def ask(self) -> list[str]:
        """The same, asked for until it is there."""

        def asked() -> list[str]:
            self.keys("C-x", "C-o")
            time.sleep(1)
            return found if len(found := self.words()) == 10 else []

        return wait(asked, "the list")


Open = Callable[[str, str], Vim]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vim]:
    """A new user's Vim."""
    path = program("vim", "vim")
    plugin = editors_folder() / "vim-lsp"
    if not plugin.exists():
        missing("vim", f"there is no {plugin}")
    home = tmp_path_factory.mktemp("vim") / "home"
    shutil.copytree(plugin, home / ".vim/pack/lsp/start/vim-lsp", ignore=shutil.ignore_patterns(".git"))
    (home / ".vim/vimrc").write_text("filetype plugin on\nset noswapfile hidden\n" + commands(README, "autocmd", "vim"))
    editor = Vim("vim", [path], home)
    yield editor
    editor.keep("last")
    editor.close()


@pytest.fixture
def vim(running: Vim) -> Open:
    """Opens a document in it."""

    def open_(name: str, content: str) -> Vim:
        running.open(name, content)
        running.command(":echo lsp#get_server_status('fillmask')")
        running.keys("Enter")
        running.shows("running")
        return running

    return open_


def test_type_a_mask_and_accept_a_word(vim: Open) -> None:
    editor = vim("letter.txt", "The sky is [MASK].\n")
    wait(lambda: "%" in editor.screen, "a hint: the model is there")
    editor.keys("o")
    editor.type(f"é {TYPED}")
    words = editor.popup()
    editor.keep("popup")
    editor.keys("C-n", "C-y")
    editor.type(" today.")
    assert editor.saved() == f"The sky is [MASK].\né Paris is the capital of {words[1]} today.\n"


def test_asked_for_inside_the_mask(vim: Open) -> None:
    editor = vim("notes.md", "- **Paris** is the [MASK] of France.\n")
    editor.command("0fMli")
    words = editor.ask()
    editor.keys("C-y")
    assert editor.saved() == f"- **Paris** is the {words[0]} of France.\n"
    editor.command("u")
    assert editor.saved() == "- **Paris** is the [MASK] of France.\n"


def test_type_on(vim: Open) -> None:
    editor = vim("module.py", "# Paris is the capital of [MASK]\n")
    editor.command("A")
    editor.type("F")
    words = editor.ask()
    assert all(word.startswith("F") for word in words)
    editor.keys("C-y")
    assert editor.saved() == f"# Paris is the capital of {words[0]}\n"


def test_hints_hover_and_code_actions(vim: Open) -> None:
    editor = vim("letter.txt", "Paris is the [MASK] of France. It is a [MASK] city.\n")
    wait(lambda: editor.screen.count("%") == 2, "the hints")
    editor.keep("hints")
    editor.command("0fM")
    editor.command(":LspHover")
    editor.keys("Enter")
    editor.shows("probability")
    editor.keep("hover")
    editor.command(":LspCodeAction")
    editor.keys("Enter")
    editor.shows("Fill the 2 masks of this paragraph together")
    editor.keep("actions")
    editor.keys("Enter")
    wait(lambda: editor.saved().count("[MASK]") == 1, "one mask filled")
