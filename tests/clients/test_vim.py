"""Use Vim in a terminal, configured as ``client-config/vim/README.md`` describes, with either of its plugins.

No package registry has the plugins. Copies in the folder of editors are tested: ``vim-lsp``, and ``coc.nvim`` built.
"""

from __future__ import annotations

import re
import shutil
from abc import abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clients.editors import (
    CLIENT_CONFIG,
    PARIS,
    editors_folder,
    find_program,
    readme_block,
    skip_or_fail,
    wait_until,
)
from clients.terminal import Terminal

pytestmark = [pytest.mark.clients, pytest.mark.timeout(180)]

README = CLIENT_CONFIG / "vim" / "README.md"
VIMRC = "filetype plugin on\nset noswapfile hidden\n"


class Vim(Terminal):
    OPEN_COMMAND, AFTER_OPEN_NAME, INSERT_MODE = ":edit!", '"', "\n-- "  # "-- INSERT --" or "-- Omni completion"
    ACCEPTED: int
    """Index of the suggestion that one C-n selects."""

    @abstractmethod
    def request_suggestions(self) -> list[str]:
        """Request completion in Insert mode, and return the ten words."""

    @abstractmethod
    def wait_for_server(self) -> None: ...

    @abstractmethod
    def show_hover(self) -> None: ...

    @abstractmethod
    def show_code_actions(self) -> None: ...


class VimLsp(Vim):
    """Vim with vim-lsp."""

    ACCEPTED = 1

    def suggestions(self) -> list[str]:
        rows = [row.strip(" ~").split() for row in self.screen.splitlines()]
        return [row[0] for row in rows if len(row) >= 2 and row[1] == "text"]

    def request_suggestions(self) -> list[str]:
        self.press("C-x", "C-o")
        return self.wait_for_suggestions()

    def wait_for_server(self) -> None:
        self.command(":echo lsp#get_server_status('fillmask')")
        self.press("Enter")
        self.wait_for_text("running")

    def show_hover(self) -> None:
        self.command(":LspHover")
        self.press("Enter")

    def show_code_actions(self) -> None:
        self.command(":LspCodeAction")
        self.press("Enter")


class VimCoc(Vim):
    """Vim with coc.nvim."""

    ACCEPTED = 1
    ROW = re.compile(r"(\S+) (?:< )?[\d.]+ % +v \[LS\]")

    def suggestions(self) -> list[str]:
        return self.ROW.findall(self.screen)

    def request_suggestions(self) -> list[str]:
        self.press("C-Space")
        return self.wait_for_suggestions()

    def wait_for_server(self) -> None:
        pass  # the fixture waited for the model

    def show_hover(self) -> None:
        self.command("K")

    def show_code_actions(self) -> None:
        self.command("\\a")


def start_vim_lsp(home: Path) -> Vim:
    path = find_program("vim", "vim")
    plugin = plugin_copy("vim", "vim-lsp")
    shutil.copytree(plugin, home / ".vim/pack/lsp/start/vim-lsp", ignore=shutil.ignore_patterns(".git"))
    (home / ".vim/vimrc").write_text(VIMRC + readme_block(README, "autocmd", "vim"))
    return VimLsp("vim", [path], home)


def start_coc(home: Path) -> Vim:
    path = find_program("coc", "vim")
    node = find_program("coc", editors_folder() / "node/node_modules/.bin/node", "node")
    plugin = plugin_copy("coc", "coc.nvim")
    (home / ".vim/pack/coc/start").mkdir(parents=True)
    (home / ".vim/pack/coc/start/coc.nvim").symlink_to(plugin)
    (home / ".vim/coc-settings.json").write_text(readme_block(README, "{", "json"))
    settings = f"{VIMRC}let g:coc_node_path = '{node}'\n"
    (home / ".vim/vimrc").write_text(settings + readme_block(README, "inoremap <silent>", "vim"))
    return VimCoc("coc", [path], home)


def plugin_copy(editor: str, name: str) -> Path:
    plugin = editors_folder() / name
    if not plugin.exists():
        skip_or_fail(editor, f"{plugin} not found")
    return plugin


@pytest.fixture(scope="module", params=[start_vim_lsp, start_coc], ids=["vim-lsp", "coc"])
def shared_vim(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vim]:
    """A new user's Vim with a loaded model."""
    editor: Vim = request.param(tmp_path_factory.mktemp("vim") / "home")
    try:
        editor.wait_for_text("All")
        editor.open("first.txt", "The sky is [MASK].\n")
        editor.wait_for_text("%")  # a hint, which shows that the model is loaded
        yield editor
    finally:
        editor.keep_screen("last")
        editor.close()


OpenDocument = Callable[[str, str], Vim]


@pytest.fixture
def open_document(shared_vim: Vim) -> OpenDocument:
    """Open a document in the shared Vim."""

    def open_document(name: str, content: str) -> Vim:
        shared_vim.open(name, content)
        shared_vim.wait_for_server()
        return shared_vim

    return open_document


def test_accepted_suggestion_replaces_the_mask(open_document: OpenDocument) -> None:
    editor = open_document("letter.txt", "Line one.\n")
    editor.press("o")
    editor.type(f"é {PARIS}")
    words = editor.wait_for_suggestions()
    editor.keep_screen("suggestions")
    editor.press("C-n", "C-y")
    editor.type(" today.")
    assert editor.save() == f"Line one.\né Paris is the capital of {words[editor.ACCEPTED]} today.\n"


def test_completion_with_the_cursor_inside_the_mask(open_document: OpenDocument) -> None:
    editor = open_document("notes.md", "- **Paris** is the [MASK] of France.\n")
    editor.command("0fMli")
    words = editor.request_suggestions()
    editor.press("C-y")
    wait_until(lambda: words[0] in editor.screen.splitlines()[0] and "[MASK]" not in editor.screen, "the accepted word")
    assert editor.save() == f"- **Paris** is the {words[0]} of France.\n"
    editor.command("u")
    assert editor.save() == "- **Paris** is the [MASK] of France.\n"


def test_letters_after_the_mask_filter_the_suggestions(open_document: OpenDocument) -> None:
    editor = open_document("module.py", f"# {PARIS}\n")
    editor.command("A")
    editor.type("F")
    words = editor.request_suggestions()
    assert all(word.startswith("F") for word in words)
    editor.press("C-y")
    assert editor.save() == f"# Paris is the capital of {words[0]}\n"


def test_hints_hover_and_code_actions(open_document: OpenDocument) -> None:
    editor = open_document("letter.txt", "Paris is the [MASK] of France. It is a [MASK] city.\n")
    wait_until(lambda: editor.screen.count("%") == 2, "two hints")
    editor.keep_screen("hints")
    editor.command("0fM")
    editor.show_hover()
    editor.wait_for_text("probability")
    editor.keep_screen("hover")
    editor.show_code_actions()
    editor.wait_for_text("Fill the 2 blanks of this paragraph together")
    editor.keep_screen("actions")
    editor.press("Enter")
    wait_until(lambda: editor.save().count("[MASK]") == 1, "one filled mask")
